// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IMarket} from "./IMarket.sol";

/// @dev Fixed: the listing's price. Index: the tariff's index price at the purchase, at least the listing's floor.
enum PriceMode {
    Fixed,
    Index
}

/// @dev How a delivery ended.
enum Outcome {
    Complete,
    Short,
    Nothing
}

/// @notice An offer to deliver now.
/// @param account Owner of the meter when it was listed; gets the money.
/// @param meterId The seller's meter.
/// @param energy What is left to buy, energy units.
/// @param minEnergy Smallest purchase, energy units (the rest of a listing can always be bought).
/// @param mode How the trade price comes about.
/// @param price Price (Fixed) or floor (Index), base units per kWh, without the grid fee.
/// @param expiresAt Unix seconds after which nobody can buy.
struct Listing {
    address account;
    uint32 meterId;
    uint32 energy;
    uint32 minEnergy;
    PriceMode mode;
    uint48 price;
    uint40 expiresAt;
}

/// @notice A purchase and how far it has come.
/// @param price What the seller gets, base units per kWh.
/// @param gridFee What comes on top for the grid, base units per kWh.
/// @param delivered Energy units both witnesses agree on so far.
/// @param paid What the seller has been paid so far, base units.
/// @param locked What the buyer's account was charged in advance, base units; the rest comes back at the close.
/// @param startSlot Slot of the purchase.
/// @param deadlineSlot Last slot that counts.
/// @param deadline End of that slot, Unix seconds.
struct Delivery {
    uint256 listingId;
    address seller;
    address buyer;
    uint32 sellerMeterId;
    uint32 buyerMeterId;
    uint32 energy;
    uint32 delivered;
    uint48 price;
    uint48 gridFee;
    uint128 paid;
    uint128 locked;
    uint40 startSlot;
    uint40 deadlineSlot;
    uint40 deadline;
    bool closed;
}

/// @title Energy at a fixed or indexed price, delivered now and through relays
/// @notice The buyer pays for what both meters saw flow and for nothing else. Prices are base units of the payment
/// token per kWh; energy is in energy units (see IMeterRegistry.unitsPerKWh).
interface IDirectMarket is IMarket {
    event Listed(
        uint256 indexed listingId,
        uint32 indexed meterId,
        address indexed account,
        uint32 energy,
        PriceMode mode,
        uint64 price,
        uint32 minEnergy,
        uint40 expiresAt
    );
    event ListingCancelled(uint256 indexed listingId);
    event Bought(
        uint256 indexed deliveryId,
        uint256 indexed listingId,
        address indexed buyer,
        address seller,
        uint64 gridFee,
        uint128 locked
    );
    event DeliveryRequested(
        uint256 indexed deliveryId,
        uint32 indexed sellerMeterId,
        uint32 indexed buyerMeterId,
        uint32 energy,
        uint64 price,
        uint40 deadline
    );
    event DeliveryProgress(uint256 indexed deliveryId, uint40 slot, uint32 delivered, uint128 paid);
    /// @notice A party ended the delivery early; slots after `deadline` no longer count.
    event DeliveryEnding(uint256 indexed deliveryId, uint40 deadline, address by);
    event DeliveryClosed(uint256 indexed deliveryId, uint32 delivered, Outcome outcome);
    /// @notice What the buyer paid in all; cost = seller's money + gridFee + dust.
    event DeliveryBilled(uint256 indexed deliveryId, uint128 cost, uint128 sellerPaid, uint128 gridFee, uint128 refund);

    error MeterBusy(uint256 deliveryId);
    error SameMeter(uint32 meterId);
    error ZeroEnergy();
    error BelowMinimum(uint32 requested, uint32 minimum);
    error ExceedsRemaining(uint32 requested, uint32 remaining);
    error PriceOutOfRange(uint64 price, uint64 lowest, uint64 highest);
    error PriceAboveLimit(uint64 price, uint64 limit);
    error ListingUnknown(uint256 listingId);
    error ListingExpired(uint256 listingId, uint40 expiresAt);
    error ListingStale(uint256 listingId);
    error ExpiryInPast(uint40 expiresAt);
    error DeadlineOutOfRange(uint40 deadline, uint256 earliest, uint256 latest);
    error DeliveryUnknown(uint256 deliveryId);
    error DeliveryIsClosed(uint256 deliveryId);
    error DeliveryNotDue(uint256 deliveryId, uint40 deadline);
    error SlotOutOfRange(uint40 slot, uint40 first, uint40 last);

    /// @notice Offers energy of the caller's meter, which is not of kind Load or Grid. Nothing is locked.
    /// @param price Fixed: within [feed-in, retail − grid fee]. Index: the floor, within the same bounds.
    function list(
        uint32 meterId,
        uint32 energy,
        PriceMode mode,
        uint64 price,
        uint32 minEnergy,
        uint40 expiresAt
    ) external returns (uint256 listingId);

    /// @notice Takes a listing back; running deliveries go on.
    function cancelListing(uint256 listingId) external;

    /// @notice Buys into the caller's meter, locking energy × (price + grid fee) of the meter owner's vault money (rounded up).
    /// @param maxPrice Largest price including the grid fee.
    /// @param deadline Unix seconds, rounded up to the end of its slot; at most `maxDelivery` from now.
    function buy(
        uint256 listingId,
        uint32 buyerMeterId,
        uint32 energy,
        uint64 maxPrice,
        uint40 deadline
    ) external returns (uint256 deliveryId);

    /// @notice Pays the seller for what both witnesses have measured in a slot so far. Anybody, any number of times.
    function settle(uint256 deliveryId, uint40 slot) external;

    /// @notice Ends a delivery: either party at any time (the current slot is then the last one), anybody when it is
    /// complete or when both meters are final after the deadline. Settles what is left, refunds the rest.
    function close(uint256 deliveryId) external;

    function listingOf(uint256 listingId) external view returns (Listing memory);

    function listingCount() external view returns (uint256);

    function deliveryOf(uint256 deliveryId) external view returns (Delivery memory);

    function deliveryCount() external view returns (uint256);

    /// @notice The open delivery a meter takes part in, 0 when it is free.
    function openDeliveryOf(uint32 meterId) external view returns (uint256 deliveryId);

    /// @notice Seller's trade price and grid fee of a purchase in this moment.
    function quote(uint256 listingId) external view returns (uint64 price, uint64 gridFee);

    /// @notice What a meter promised and delivered in all closed deliveries as seller, energy units.
    function recordOf(uint32 meterId) external view returns (uint64 promised, uint64 delivered);

    /// @notice Longest time from a purchase to its deadline, seconds.
    function maxDelivery() external view returns (uint40);

    /// @notice Share of the received energy that may be lost on the line, in 1/10_000.
    function lineLossAllowance() external view returns (uint16);
}
