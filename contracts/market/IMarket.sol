// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What every market of a zone refuses
interface IMarket {
    /// @notice The caller is neither the meter's owner nor the owner's trader.
    error NotYourMeter(uint32 meterId, address caller);
    /// @notice The meter takes no new orders (see IMeterRegistry.setActive).
    error MeterInactive(uint32 meterId);
    /// @notice The meter is of kind Load or Grid: nothing behind it generates or stores, so it has nothing to sell.
    error MeterOnlyBuys(uint32 meterId);
    error TimesOutOfRange();
    error ZeroAddress();
}
