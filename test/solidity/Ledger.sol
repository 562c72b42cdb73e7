// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IDirectMarket} from "../../contracts/market/IDirectMarket.sol";
import {Auction, ICallAuction} from "../../contracts/market/ICallAuction.sol";
import {OrderId} from "../../contracts/market/OrderId.sol";
import {IVault} from "../../contracts/money/IVault.sol";
import {IEnergyToken} from "../../contracts/token/IEnergyToken.sol";
import {Accomplice} from "./Accomplice.sol";
import {Log} from "./Test.sol";
import {Zone} from "./Zone.sol";

/// @title The books of a zone, kept by somebody who believes nothing but the events
/// @notice Every event is held against the rules when it comes in, and every balance against the books afterwards.
abstract contract Ledger is Zone {
    struct Entry {
        address account;
        uint32 energy;
        uint256 lock;
    }

    /// @dev A slot of the auction. `balance` is what settled orders have paid less what they got.
    struct SlotEntry {
        uint8 feedInTick;
        uint8 retailTick;
        uint8 feeTicks;
        uint256 delivered;
        int256 balance;
        bool finalized;
    }

    struct Deal {
        uint256 listingId;
        address seller;
        address buyer;
        uint256 locked;
        uint256 paid;
        uint256 delivered;
        uint256 fee;
        bool closed;
    }

    /// @dev The one account that re-enters.
    Accomplice internal _accomplice;
    mapping(address account => int256) private _owned;
    mapping(OrderId id => Entry) internal _orders;
    OrderId[] internal _ids;
    uint40[] internal _slots;
    mapping(uint40 slot => bool) private _opened;
    mapping(uint40 slot => SlotEntry) internal _slotEntries;
    mapping(uint256 deliveryId => Deal) internal _deals;
    uint256[] internal _openDeals;
    int256 private _directPot;
    int256 private _auctionPot;

    /// @notice Booked export by meter and slot, as the readings say; and what was claimed of it.
    mapping(uint32 meterId => mapping(uint40 slot => uint256)) public booked;
    mapping(uint32 meterId => mapping(uint40 slot => uint256)) public claimed;
    /// @notice All claims, and all certificates that were retired.
    uint256 public claims;
    uint256 public retired;
    /// @notice What buyers have paid in all, and sellers, grid operator and dust account got.
    uint256 public paidByBuyers;
    uint256 public paidToSellers;
    uint256 public paidAsFees;
    uint256 public rounding;
    /// @notice What sellers have paid for what they did not deliver, less what buyers got of it.
    int256 public penalties;
    /// @notice Orders and deliveries that may leave a unit each.
    uint256 public roundings;

    // ------------------------------------------------------------- what is owned

    function ownedBy(address account) public view returns (uint256) {
        int256 amount = _owned[account];
        assertTrue(amount >= 0, "nobody owns less than nothing");
        return uint256(amount);
    }

    /// @notice Each market's pot is what its open orders and deliveries can still draw.
    function checkPots() external view {
        int256 direct;
        for (uint256 i = 0; i < _openDeals.length; i++) {
            Deal storage deal = _deals[_openDeals[i]];
            assertLe(deal.paid, deal.locked, "paid <= locked");
            direct += int256(deal.locked - deal.paid);
        }
        int256 pooled;
        for (uint256 i = 0; i < _ids.length; i++) pooled += int256(_orders[_ids[i]].lock);
        for (uint256 i = 0; i < _slots.length; i++) {
            SlotEntry storage entry = _slotEntries[_slots[i]];
            pooled += entry.balance;
            assertTrue(auction.auctionOf(_slots[i]).balance == entry.balance, "balance of a slot");
        }
        assertTrue(int256(vault.pot(address(market))) == direct, "pot of the direct market");
        assertTrue(int256(vault.pot(address(auction))) == pooled, "pot of the auction");
        assertTrue(direct == _directPot && pooled == _auctionPot, "pots by the flows");
    }

    // ------------------------------------------------------------------- events

    /// @dev Takes over what happened since the logs were recorded last.
    function _replay() internal {
        Log[] memory logs = vm.getRecordedLogs();
        bool[] memory undone = _undone(logs);
        for (uint256 i = 0; i < logs.length; i++) {
            Log memory log = logs[i];
            if (undone[i]) continue;
            bytes32 topic = log.topics[0];
            if (log.emitter == address(vault)) _fromVault(topic, log);
            else if (log.emitter == address(market)) _fromMarket(topic, log);
            else if (log.emitter == address(auction)) _fromAuction(topic, log);
            else if (log.emitter == address(_accomplice)) _fromAccomplice(topic, log);
            else if (topic == IEnergyToken.Retired.selector) {
                (uint256 amount, ) = abi.decode(log.data, (uint256, string));
                retired += amount;
            }
        }
    }

    /// @dev The logs of calls that failed are recorded as well, also where the failure was caught: a re-entrance that was
    /// refused, and a receipt of certificates that was refused or ran out of gas, whatever happened in it.
    function _undone(Log[] memory logs) private view returns (bool[] memory undone) {
        undone = new bool[](logs.length);
        uint256 receipt;
        uint256 entrance;
        bool inside;
        for (uint256 i = 0; i < logs.length; i++) {
            (address emitter, bytes32 topic) = (logs[i].emitter, logs[i].topics[0]);
            if (emitter == address(_accomplice)) {
                inside = topic == Accomplice.Entered.selector;
                if (inside) entrance = i;
                else if (!_went(logs[i])) _cross(undone, entrance + 1, i);
            } else if (topic == IERC1155.TransferSingle.selector) {
                // What is received inside is accepted.
                if (!inside && _account(logs[i].topics[3]) == address(_accomplice)) receipt = i;
            } else if (topic == IEnergyToken.Held.selector) {
                _cross(undone, receipt, i);
                inside = false;
            }
        }
    }

    function _cross(bool[] memory undone, uint256 from, uint256 to) private pure {
        for (uint256 i = from; i < to; i++) undone[i] = true;
    }

    /// @dev Whether what the accomplice had entered went through.
    function _went(Log memory left) private pure returns (bool ok) {
        (, ok, ) = abi.decode(left.data, (bytes, bool, bytes));
    }

    function _fromAccomplice(bytes32 topic, Log memory log) private {
        if (topic != Accomplice.Left.selector) return;
        (bytes memory call, bool ok, bytes memory answer) = abi.decode(log.data, (bytes, bool, bytes));
        _reentered(call, ok, answer);
        // The one entry point whose claim no event tells; what a report books is for `_reentered`.
        if (!ok || bytes4(call) != IEnergyToken.mintUnsold.selector) return;
        (uint32 meterId, uint40 slot) = abi.decode(_arguments(call), (uint32, uint40));
        _claim(meterId, slot, abi.decode(answer, (uint32)));
    }

    /// @dev The accomplice has called in the middle of somebody else's transaction.
    function _reentered(bytes memory call, bool ok, bytes memory answer) internal virtual;

    function _arguments(bytes memory call) internal pure returns (bytes memory arguments) {
        arguments = new bytes(call.length - 4);
        for (uint256 i = 0; i < arguments.length; i++) arguments[i] = call[i + 4];
    }

    /// @dev A call failed: what it emitted did not happen.
    function _forget() internal {
        vm.getRecordedLogs();
    }

    function _fromVault(bytes32 topic, Log memory log) private {
        if (topic == IVault.Deposited.selector) {
            _owned[_account(log.topics[1])] += int256(abi.decode(log.data, (uint256)));
        } else if (topic == IVault.Withdrawn.selector) {
            _owned[_account(log.topics[1])] -= int256(abi.decode(log.data, (uint256)));
        }
    }

    function _fromMarket(bytes32 topic, Log memory log) private {
        // Events without a number are of no interest.
        uint256 id = log.topics.length > 1 ? uint256(log.topics[1]) : 0;
        if (topic == IDirectMarket.Bought.selector) {
            (address seller, uint64 fee, uint128 locked) = abi.decode(log.data, (address, uint64, uint128));
            address buyer = _account(log.topics[3]);
            _deals[id] = Deal(uint256(log.topics[2]), seller, buyer, locked, 0, 0, fee, false);
            _openDeals.push(id);
            _owned[buyer] -= int256(uint256(locked));
            _directPot += int256(uint256(locked));
        } else if (topic == IDirectMarket.DeliveryProgress.selector) {
            (uint40 slot, uint32 delivered, uint128 paid) = abi.decode(log.data, (uint40, uint32, uint128));
            _progress(id, slot, delivered, paid);
        } else if (topic == IDirectMarket.DeliveryBilled.selector) {
            (uint128 cost, uint128 paid, uint128 fee, uint128 refund) = abi.decode(
                log.data,
                (uint128, uint128, uint128, uint128)
            );
            _bill(id, cost, paid, fee, refund);
        }
    }

    function _progress(uint256 id, uint40 slot, uint256 delivered, uint256 paid) private {
        Deal storage deal = _deals[id];
        assertTrue(!deal.closed && paid >= deal.paid && delivered > deal.delivered, "progress goes on");
        uint256 more = delivered - deal.delivered;
        uint32 meterId = market.listingOf(deal.listingId).meterId;
        uint256 left = booked[meterId][slot] - claimed[meterId][slot];
        // Only where the seller's meter is silent does the buyer's prove more than was booked.
        (, , bool complete) = registry.energyIn(meterId, slot);
        if (more > left) assertTrue(!complete, "a seller is paid for what his meter shows, unless it is silent");
        _claim(meterId, slot, more < left ? more : left);
        _owned[deal.seller] += int256(paid - deal.paid);
        _directPot -= int256(paid - deal.paid);
        paidToSellers += paid - deal.paid;
        (deal.delivered, deal.paid) = (delivered, paid);
    }

    function _bill(uint256 id, uint256 cost, uint256 paid, uint256 fee, uint256 refund) private {
        Deal storage deal = _deals[id];
        uint256 price = market.deliveryOf(id).price;
        assertTrue(!deal.closed, "billed once");
        assertEq(paid, deal.paid, "the bill says what the seller got");
        assertEq(cost + refund, deal.locked, "the bill divides the lock");
        assertLe(paid + fee, cost, "a buyer pays at least what seller and grid get");
        assertLe(cost * UNITS_PER_KWH, deal.delivered * (price + deal.fee) + UNITS_PER_KWH - 1, "no more than agreed");
        assertLe(deal.delivered * price, paid * UNITS_PER_KWH + UNITS_PER_KWH - 1, "a seller gets what was agreed");
        _pay(deal.buyer, refund, cost, fee, cost - paid - fee);
        _directPot -= int256(deal.locked - deal.paid);
        deal.closed = true;
        roundings++;
        for (uint256 i = 0; i < _openDeals.length; i++) {
            if (_openDeals[i] != id) continue;
            _openDeals[i] = _openDeals[_openDeals.length - 1];
            _openDeals.pop();
            break;
        }
    }

    function _fromAuction(bytes32 topic, Log memory log) private {
        if (topic == ICallAuction.OrderPlaced.selector) {
            (uint32 energy, uint128 lock) = abi.decode(log.data, (uint32, uint128));
            _place(OrderId.wrap(uint256(log.topics[1])), _account(log.topics[2]), energy, lock);
        } else if (topic == ICallAuction.OrderCancelled.selector) {
            OrderId id = OrderId.wrap(uint256(log.topics[1]));
            uint128 released = abi.decode(log.data, (uint128));
            assertEq(released, _orders[id].lock, "a cancelled order gets its lock back");
            _owned[_orders[id].account] += int256(uint256(released));
            _auctionPot -= int256(uint256(released));
            _remove(id);
        } else if (topic == ICallAuction.OrderSettled.selector) {
            _settled(OrderId.wrap(uint256(log.topics[1])), log.data);
        } else if (topic == ICallAuction.SlotFinalized.selector) {
            (uint64 delivered, , uint128 fee) = abi.decode(log.data, (uint64, uint128, uint128));
            SlotEntry storage entry = _slotEntries[uint40(uint256(log.topics[1]))];
            assertTrue(!entry.finalized, "finalized once");
            assertEq(delivered, entry.delivered, "delivered by the asks");
            entry.finalized = true;
            entry.balance -= int256(uint256(fee));
            _auctionPot -= int256(uint256(fee));
            _owned[GRID_OPERATOR] += int256(uint256(fee));
            paidAsFees += fee;
        } else if (topic == ICallAuction.SlotClosed.selector) {
            SlotEntry storage entry = _slotEntries[uint40(uint256(log.topics[1]))];
            uint128 dust = abi.decode(log.data, (uint128));
            assertTrue(entry.balance >= 0, "a slot's buyers pay at least what its sellers and the grid get");
            assertTrue(entry.balance == int256(uint256(dust)), "what rounding leaves is dust");
            entry.balance = 0;
            _auctionPot -= int256(uint256(dust));
            _owned[DUST] += int256(uint256(dust));
            rounding += dust;
        }
    }

    function _place(OrderId id, address account, uint32 energy, uint256 lock) private {
        uint40 slot = id.slot();
        if (!_opened[slot]) {
            Auction memory opened = auction.auctionOf(slot);
            SlotEntry storage entry = _slotEntries[slot];
            (entry.feedInTick, entry.retailTick) = (opened.feedInTick, opened.retailTick);
            entry.feeTicks = opened.feeTicks;
            (uint64 feedIn, uint64 retail, uint64 fee) = tariff.tariffAt(slot);
            assertEq(MIN_PRICE + entry.feedInTick * TICK, feedIn, "feed-in of an opening slot");
            assertEq(MIN_PRICE + entry.retailTick * TICK, retail, "retail of an opening slot");
            assertEq(entry.feeTicks * TICK, fee, "fee of an opening slot");
            _opened[slot] = true;
            _slots.push(slot);
        }
        Entry storage order = _orders[id];
        if (order.account == address(0)) _ids.push(id);
        else assertTrue(order.account == account, "an order is replaced by its own account");
        _owned[account] += int256(order.lock) - int256(lock);
        _auctionPot += int256(lock) - int256(order.lock);
        assertEq(lock, _lockOf(id, energy), "limit or bond of an order, rounded up");
        (order.account, order.energy, order.lock) = (account, energy, lock);
    }

    function _settled(OrderId id, bytes memory data) private {
        (uint32 filled, uint32 energy, uint128 money_, , uint128 penalty) = abi.decode(
            data,
            (uint32, uint32, uint128, uint128, uint128)
        );
        Entry memory order = _orders[id];
        SlotEntry storage entry = _slotEntries[id.slot()];
        assertTrue(order.account != address(0), "settled once");
        assertLe(filled, order.energy, "filled <= energy");
        assertLe(energy, filled, "delivered <= filled");
        uint256 limit = MIN_PRICE + uint256(id.tick()) * TICK;
        uint256 back;
        if (id.isBid()) {
            // The certificates are floored, so up to a unit more was paid for.
            assertLe(money_ * UNITS_PER_KWH, (uint256(energy) + 1) * limit + UNITS_PER_KWH, "no dearer than the limit");
            assertLe(money_, order.lock, "the lock covers the bill");
            back = order.lock - money_ + penalty;
            entry.balance += int256(uint256(money_)) - int256(uint256(penalty));
            paidByBuyers += money_;
            penalties -= int256(uint256(penalty));
            if (filled != 0) assertTrue(entry.finalized, "buyers pay when the sellers are done");
        } else {
            uint256 worth = (energy * limit) / UNITS_PER_KWH;
            assertLe(worth, money_, "no cheaper than the limit");
            assertLe(penalty, order.lock, "the bond covers the penalty");
            if (energy == filled) assertEq(penalty, 0, "who delivers pays no penalty");
            back = order.lock + money_ - penalty;
            entry.balance += int256(uint256(penalty)) - int256(uint256(money_));
            entry.delivered += energy;
            paidToSellers += money_;
            penalties += int256(uint256(penalty));
            _claim(id.meterId(), id.slot(), energy);
        }
        _owned[order.account] += int256(back);
        _auctionPot -= int256(back);
        roundings += 2;
        _remove(id);
    }

    /// @dev Each exported unit settles one obligation.
    function _claim(uint32 meterId, uint40 slot, uint256 amount) internal {
        claimed[meterId][slot] += amount;
        claims += amount;
        assertLe(claimed[meterId][slot], booked[meterId][slot], "claimed <= booked");
    }

    function _pay(address buyer, uint256 refund, uint256 cost, uint256 fee, uint256 dust) private {
        _owned[buyer] += int256(refund);
        _owned[GRID_OPERATOR] += int256(fee);
        _owned[DUST] += int256(dust);
        paidByBuyers += cost;
        paidAsFees += fee;
        rounding += dust;
    }

    function _remove(OrderId id) private {
        delete _orders[id];
        for (uint256 i = 0; i < _ids.length; i++) {
            if (OrderId.unwrap(_ids[i]) != OrderId.unwrap(id)) continue;
            _ids[i] = _ids[_ids.length - 1];
            _ids.pop();
            return;
        }
    }

    function _lockOf(OrderId id, uint256 energy) internal view returns (uint256) {
        SlotEntry storage entry = _slotEntries[id.slot()];
        uint256 ticks = id.tick();
        if (!id.isBid()) ticks = entry.retailTick - entry.feeTicks - ticks;
        uint256 perKWh = (id.isBid() ? MIN_PRICE : 0) + ticks * TICK;
        return (energy * perKWh + UNITS_PER_KWH - 1) / UNITS_PER_KWH;
    }

    function _account(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
