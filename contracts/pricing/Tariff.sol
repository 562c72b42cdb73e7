// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IMeterRegistry} from "../metering/IMeterRegistry.sol";
import {ITariff, Prices} from "./ITariff.sol";
import {SupplyDemandPrice} from "./SupplyDemandPrice.sol";

/// @title Bounds of every local price, and the supply/demand index between them
/// @notice Units, rules and errors stand on ITariff.
contract Tariff is ITariff, AccessManaged {
    uint64 private constant LAST_TICK = 127;

    IMeterRegistry public immutable registry;
    uint64 public immutable minPrice;
    uint64 public immutable tickSize;
    uint40 public immutable noticeSlots;

    /// @dev Ascending by `fromSlot`; the first entry holds from slot 0.
    Prices[] private _schedule;

    /// @param minPrice_ Price of tick 0, base units per kWh.
    /// @param tickSize_ Step between ticks, base units per kWh.
    /// @param noticeSlots_ Slots between an announcement and the first slot it may change, at least 1.
    constructor(
        address authority,
        IMeterRegistry registry_,
        uint64 minPrice_,
        uint64 tickSize_,
        uint40 noticeSlots_,
        uint64 feedIn,
        uint64 retail,
        uint64 gridFee
    ) AccessManaged(authority) {
        if (tickSize_ == 0) revert TickSizeZero();
        if (noticeSlots_ == 0) revert TariffTooSoon(0, 1);
        // Markets keep prices in 48 bits.
        if (uint256(minPrice_) + uint256(LAST_TICK) * tickSize_ > type(uint48).max) {
            revert PriceBeyondLastTick(minPrice_, type(uint48).max);
        }
        registry = registry_;
        minPrice = minPrice_;
        tickSize = tickSize_;
        noticeSlots = noticeSlots_;
        _append(Prices(0, feedIn, retail, gridFee));
    }

    // ---------------------------------------------------------------- operator

    /// @inheritdoc ITariff
    function setTariff(uint40 fromSlot, uint64 feedIn, uint64 retail, uint64 gridFee) external restricted {
        uint40 earliest = registry.currentSlot() + noticeSlots;
        if (fromSlot < earliest) revert TariffTooSoon(fromSlot, earliest);
        while (_schedule[_schedule.length - 1].fromSlot >= fromSlot) _schedule.pop();
        _append(Prices(fromSlot, feedIn, retail, gridFee));
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc ITariff
    function tariffAt(uint40 slot) public view returns (uint64 feedIn, uint64 retail, uint64 gridFee) {
        // Newest first: what is asked for is nearly always the last entry or the one before it.
        uint256 i = _schedule.length - 1;
        Prices storage prices = _schedule[i];
        while (prices.fromSlot > slot) prices = _schedule[--i];
        return (prices.feedIn, prices.retail, prices.gridFee);
    }

    /// @inheritdoc ITariff
    function indexPrice(uint40 slot) external view returns (uint64 sell, uint64 buy) {
        (uint64 feedIn, uint64 retail, uint64 gridFee) = tariffAt(slot);
        uint64 highest = retail - gridFee;
        uint64 supply;
        uint64 demand;
        uint32 complete;
        if (slot >= 2) (supply, demand, complete) = registry.totalsIn(slot - 2);
        if (complete == 0 || uint256(complete) * 3 < uint256(registry.activeMeters()) * 2) {
            sell = feedIn + (highest - feedIn) / 2;
            return (sell, sell);
        }
        (sell, buy) = SupplyDemandPrice.priceDown(supply, demand, feedIn, retail);
        if (sell > highest) sell = highest;
    }

    /// @inheritdoc ITariff
    function schedule() external view returns (Prices[] memory) {
        return _schedule;
    }

    // ---------------------------------------------------------------- internal

    function _append(Prices memory prices) private {
        if (prices.feedIn == 0) revert FeedInZero();
        _checkTick(prices.feedIn, minPrice);
        _checkTick(prices.retail, minPrice);
        _checkTick(prices.gridFee, 0);
        uint64 margin = prices.retail > prices.feedIn ? prices.retail - prices.feedIn : 0;
        if (prices.gridFee >= margin) revert FeeTooHigh(prices.gridFee, margin);
        _schedule.push(prices);
        emit TariffSet(prices.fromSlot, prices.feedIn, prices.retail, prices.gridFee);
    }

    function _checkTick(uint64 price, uint64 origin) private view {
        if (price < origin || (price - origin) % tickSize != 0) revert PriceOffTick(price, origin, tickSize);
        uint64 largest = origin + LAST_TICK * tickSize;
        if (price > largest) revert PriceBeyondLastTick(price, largest);
    }
}
