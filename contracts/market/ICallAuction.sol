// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IMarket} from "./IMarket.sol";
import {OrderId, Side} from "./OrderId.sol";

/// @dev How far a slot's auction has come. A slot that opened and was not cleared before it began is void.
enum Status {
    None,
    Open,
    Cleared,
    Finalized,
    Void
}

/// @notice An order to place.
/// @param slot Delivery interval.
/// @param meterId Meter that takes (bid) or gives (ask) the energy.
/// @param tick Limit, 0 to 127. Bid: most the buyer pays, grid fee included. Ask: least the seller gets.
/// @param energy Energy units.
struct NewOrder {
    uint40 slot;
    uint32 meterId;
    Side side;
    uint8 tick;
    uint32 energy;
}

/// @notice The auction of a slot.
/// @param status Stays `Open` between gate closure and the clearing.
/// @param feedInTick Tariff of the slot, as the first order found it; later announcements do not change it.
/// @param retailTick Highest limit of a bid.
/// @param feeTicks Grid fee, in ticks.
/// @param price Clearing price: what every seller gets, base units per kWh; buyers pay `gridFee` on top.
/// @param gridFee Base units per kWh.
/// @param volume Accepted demand, energy units. The accepted asks may be less by one unit each, for their fills
/// are rounded down.
/// @param openAsks Energy of the accepted asks that still have to be settled before the slot can be finalized.
/// @param openBids Energy of the accepted bids that still have to be settled, once the slot is finalized.
/// @param delivered What the accepted asks have delivered so far, energy units.
/// @param penalties Paid by sellers for what they did not deliver, base units; the accepted bids share it.
/// @param balance What the slot holds, or still has to get, beyond the locks of the open orders, base units: payments
/// and penalties of the settled orders less what was paid out. Ends at zero.
struct Auction {
    Status status;
    uint8 feedInTick;
    uint8 retailTick;
    uint8 feeTicks;
    uint64 price;
    uint64 gridFee;
    uint64 volume;
    uint64 openAsks;
    uint64 openBids;
    uint64 delivered;
    uint128 penalties;
    int128 balance;
}

/// @title One uniform price per slot for everybody who wants to trade in it
/// @notice Orders are taken until gate closure; the clearing price moves the largest possible volume; the energy is paid
/// when it has been measured. A trader who bids t pays at most price(t) per kWh with everything in it, and a seller who
/// asks t gets at least price(t).
///
///        openAhead slots before                gate closure     slot start    slot end      + G        + W
///      ───────┬──────────────────────────────────────┬──────────────┬────────────┬───────────┬──────────┬──▶
///             │ placeOrders, cancelOrders            │ clear        │ energy     │ settle: asks when   │ asks that
///             │                                      │ (then void)  │ flows      │ final, then bids    │ are left: void
///
/// Prices are base units of the payment token per kWh, price(tick) = minPrice + tick · tickSize (see ITariff); energy
/// is in energy units (see IMeterRegistry.unitsPerKWh).
interface ICallAuction is IMarket {
    /// @notice The first order of a slot fixed its tariff.
    event SlotOpened(uint40 indexed slot, uint64 feedIn, uint64 retail, uint64 gridFee);
    /// @notice The order stands with this energy; what it replaced is gone.
    event OrderPlaced(
        OrderId indexed orderId,
        address indexed account,
        uint40 indexed slot,
        uint32 energy,
        uint128 locked
    );
    event OrderCancelled(OrderId indexed orderId, address indexed account, uint40 indexed slot, uint128 released);
    /// @notice The volume clears at this price; zero both when no bid met an ask.
    event SlotCleared(uint40 indexed slot, uint64 price, uint64 gridFee, uint64 volume);
    /// @notice The order is done and forgotten; its account got `locked − money + penalty` (bid) or
    /// `locked + money − penalty` (ask), where `locked` is that of its last `OrderPlaced`.
    /// @param filled Energy the clearing accepted, rounded down; zero as well for an order without effect.
    /// @param energy Energy delivered (ask), or received out of the pool, rounded down (bid).
    /// @param money Paid to the seller, or by the buyer with the grid fee.
    /// @param fee Grid fee in the buyer's money, rounded down.
    /// @param penalty Paid by a seller who delivered less, or received by the buyer as a share of the pool.
    event OrderSettled(
        OrderId indexed orderId,
        address indexed account,
        uint40 indexed slot,
        uint32 filled,
        uint32 energy,
        uint128 money,
        uint128 fee,
        uint128 penalty
    );
    /// @notice What was delivered is known; bids can be settled.
    event SlotFinalized(uint40 indexed slot, uint64 delivered, uint128 penalties, uint128 gridFee);
    /// @notice The last accepted order is settled; the rest that rounding left went to the dust account.
    event SlotClosed(uint40 indexed slot, uint128 dust);

    error NotYourOrder(OrderId orderId, address account);
    error OrderUnknown(OrderId orderId);
    error GateClosed(uint40 slot, uint256 closedAt);
    error SlotTooFar(uint40 slot, uint256 latest);
    error TickOutOfRange(uint8 tick, uint256 lowest, uint256 highest);
    error EnergyOutOfRange(uint32 energy, uint256 least, uint256 most);
    error NotOpen(uint40 slot, Status status);
    error ClearingNotDue(uint40 slot, uint256 from, uint256 until);
    error NotFinalizable(uint40 slot, Status status, uint256 openAsks, uint256 voidAfter);

    /// @notice Places orders for meters the caller may trade for, with their owners' vault money; the same slot, meter,
    /// side and tick replaces an order of the same account. Until gate closure of each slot, all or nothing.
    /// A bid locks energy × limit, an ask the bond energy × (retail − fee − limit), rounded up.
    /// @dev Bid limits lie in [feed-in + fee, retail], asks in [feed-in, retail − fee], energy in [minOrder, what the
    /// meter's rated power moves in a slot]. A meter of kind Load or Grid only bids.
    function placeOrders(NewOrder[] calldata orders) external;

    /// @notice Takes orders back until gate closure: their account, or its trader for the meter. All or nothing.
    function cancelOrders(OrderId[] calldata orderIds) external;

    /// @notice Finds price and volume of a slot. Anybody, from gate closure until the slot begins; after that the
    /// slot is void and `settle` gives everybody the whole lock back.
    /// @return price Base units per kWh, without the grid fee; 0 when nothing matches.
    /// @return volume Energy units.
    function clear(uint40 slot) external returns (uint64 price, uint64 volume);

    /// @notice Settles whatever is due and skips the rest, so that nobody's order can hold up another. Anybody.
    /// Due are: orders of a void slot and orders the clearing left out, at once; accepted asks, as soon as the
    /// meter is final for the slot; accepted bids, when no accepted ask is open, or after slot end + W.
    function settle(OrderId[] calldata orderIds) external;

    /// @notice Closes the sellers' side of a slot, which settling its first bid does as well. When no accepted ask is
    /// open, or after slot end + W: asks still open then are void, they get the bond back and nothing else.
    function finalize(uint40 slot) external;

    function orderId(uint40 slot, uint32 meterId, Side side, uint8 tick) external pure returns (OrderId);

    /// @notice Account and energy of an order; zero when there is none, or no longer.
    function orderOf(OrderId orderId) external view returns (address account, uint32 energy);

    function auctionOf(uint40 slot) external view returns (Auction memory);

    /// @notice Energy the clearing accepted of an order that is not settled yet, rounded down.
    function fillOf(OrderId orderId) external view returns (uint32 filled);

    /// @notice Energy by tick at the seller's price: a bid with limit t stands at t − feeTicks.
    function depth(uint40 slot) external view returns (uint64[128] memory bids, uint64[128] memory asks);

    /// @notice Seconds before a slot's start at which its gate closes.
    function gateClosure() external view returns (uint40);

    /// @notice How many slots ahead of the current one orders are taken.
    function openAhead() external view returns (uint40);

    /// @notice Smallest order, energy units.
    function minOrder() external view returns (uint32);
}
