// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Prices from the supply/demand ratio
/// @notice N. Liu et al., "Energy-Sharing Model With Price-Based Demand Response for Microgrids of Peer-to-Peer
/// Prosumers", IEEE Transactions on Power Systems 32(5), 2017, eqs. (8)–(9). With R = supply/demand, feed-in price f
/// and retail price r:
///
///   R < 1:  sell = r·f / ((r − f)·R + f)        buy = sell·R + r·(1 − R)
///   R ≥ 1:  sell = buy = f
///
/// Scarce supply (R → 0) pays the retail price, abundant supply the feed-in price. Example: r = 30, f = 8, R = 0.8 →
/// sell 9.375, buy 13.5.
library SupplyDemandPrice {
    /// @param supply Energy exported in the slot, any unit.
    /// @param demand Energy imported in the slot, the same unit.
    /// @param feedIn f > 0, base units per kWh.
    /// @param retail r ≥ f, base units per kWh.
    /// @return sell Rounded down: what the seller gets.
    /// @return buy Rounded up: what a buyer pays on average over local and utility supply.
    function priceDown(
        uint64 supply,
        uint64 demand,
        uint64 feedIn,
        uint64 retail
    ) internal pure returns (uint64 sell, uint64 buy) {
        if (supply == 0) return (retail, retail);
        if (supply >= demand) return (feedIn, feedIn);
        // Both fractions are multiplied by the demand, so that no ratio is rounded on the way.
        uint256 denominator = uint256(retail - feedIn) * supply + uint256(feedIn) * demand;
        sell = uint64(Math.mulDiv(uint256(retail) * feedIn, demand, denominator));
        buy = uint64(Math.ceilDiv(uint256(sell) * supply + uint256(retail) * (demand - supply), demand));
    }
}
