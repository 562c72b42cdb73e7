// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What the utility pays and charges, and the local grid's fee; payment-token base units per kWh.
/// @param fromSlot First slot the prices hold for.
/// @param feedIn What the utility pays for a kWh fed in, above 0.
/// @param retail What the utility charges for a kWh, all-in.
/// @param gridFee What a local kWh costs for the use of the grid, below retail − feedIn.
struct Prices {
    uint40 fromSlot;
    uint64 feedIn;
    uint64 retail;
    uint64 gridFee;
}

/// @title Bounds of every local price, and the supply/demand index between them
/// @notice Seller's price ≥ feed-in and seller's price + grid fee ≤ retail, so nobody is worse off than without a
/// local market. All prices are multiples of `tickSize` above `minPrice`; 128 ticks reach them all.
interface ITariff {
    event TariffSet(uint40 indexed fromSlot, uint64 feedIn, uint64 retail, uint64 gridFee);

    error PriceOffTick(uint64 price, uint64 minPrice, uint64 tickSize);
    error PriceBeyondLastTick(uint64 price, uint64 largest);
    error FeedInZero();
    error FeeTooHigh(uint64 gridFee, uint64 below);
    error TariffTooSoon(uint40 fromSlot, uint40 earliest);
    error TickSizeZero();

    /// @notice Announces prices from a future slot on (operator). Never changes the current slot; replaces what was
    /// announced for the same or a later slot.
    function setTariff(uint40 fromSlot, uint64 feedIn, uint64 retail, uint64 gridFee) external;

    /// @notice Prices that hold in a slot, as announced so far.
    function tariffAt(uint40 slot) external view returns (uint64 feedIn, uint64 retail, uint64 gridFee);

    /// @notice Seller's and buyer's price from the supply/demand ratio measured two slots before; without enough
    /// complete readings, the middle of the allowed interval.
    /// @return sell What a seller gets; feedIn ≤ sell ≤ retail − gridFee.
    /// @return buy What a kWh costs on average over local and utility supply, without the grid fee.
    function indexPrice(uint40 slot) external view returns (uint64 sell, uint64 buy);

    /// @notice Everything announced, oldest first.
    function schedule() external view returns (Prices[] memory);

    /// @notice Price of tick 0.
    function minPrice() external view returns (uint64);

    function tickSize() external view returns (uint64);

    /// @notice Slots between an announcement and the first slot it may change.
    function noticeSlots() external view returns (uint40);
}
