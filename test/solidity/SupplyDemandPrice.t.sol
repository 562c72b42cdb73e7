// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SupplyDemandPrice} from "../../contracts/pricing/SupplyDemandPrice.sol";
import {Test} from "./Test.sol";

contract SupplyDemandPriceTest is Test {
    struct Market {
        uint64 supply;
        uint64 demand;
        uint64 feedIn;
        uint64 retail;
    }

    /// Any market with 0 < feed-in ≤ retail.
    modifier sensible(Market memory m) {
        m.feedIn = uint64(bound(m.feedIn, 1, type(uint64).max));
        m.retail = uint64(bound(m.retail, m.feedIn, type(uint64).max));
        _;
    }

    function test_thePapersExample() public pure {
        (uint64 sell, uint64 buy) = SupplyDemandPrice.priceDown(800, 1_000, 8_000, 30_000);
        assertEq(sell, 9_375, "sell");
        assertEq(buy, 13_500, "buy");
    }

    function testFuzz_liesBetweenFeedInAndRetail(Market memory m) public pure sensible(m) {
        (uint64 sell, uint64 buy) = _price(m);
        assertLe(m.feedIn, sell, "feed-in <= sell");
        assertLe(sell, buy, "sell <= buy");
        assertLe(buy, m.retail, "buy <= retail");
    }

    function testFuzz_isTheExactFractionRoundedOnce(Market memory m) public pure sensible(m) {
        m.demand = uint64(bound(m.demand, 2, type(uint64).max));
        m.supply = uint64(bound(m.supply, 1, m.demand - 1));
        (uint64 sell, uint64 buy) = _price(m);
        uint256 numerator = uint256(m.retail) * m.feedIn * m.demand;
        uint256 denominator = uint256(m.retail - m.feedIn) * m.supply + uint256(m.feedIn) * m.demand;
        assertLe(sell * denominator, numerator, "not above the fraction");
        assertLe(numerator + 1, (uint256(sell) + 1) * denominator, "less than one unit below it");
        uint256 spent = uint256(sell) * m.supply + uint256(m.retail) * (m.demand - m.supply);
        assertLe(spent, uint256(buy) * m.demand, "buyers pay for all they get");
        assertLe(uint256(buy) * m.demand, spent + m.demand - 1, "and less than one unit more");
    }

    function testFuzz_fallsWhenSupplyGrows(Market memory m, uint64 more) public pure sensible(m) {
        (uint64 sell, ) = _price(m);
        m.supply = uint64(bound(more, m.supply, type(uint64).max));
        (uint64 later, ) = _price(m);
        assertLe(later, sell, "sell");
    }

    function testFuzz_risesWhenDemandGrows(Market memory m, uint64 more) public pure sensible(m) {
        (uint64 sell, ) = _price(m);
        m.demand = uint64(bound(more, m.demand, type(uint64).max));
        (uint64 later, ) = _price(m);
        assertLe(sell, later, "sell");
    }

    function testFuzz_dependsOnTheRatioAlone(Market memory m, uint32 factor) public pure sensible(m) {
        uint64 k = uint64(bound(factor, 1, type(uint32).max));
        m.supply = uint32(m.supply);
        m.demand = uint32(m.demand);
        (uint64 sell, uint64 buy) = _price(m);
        (m.supply, m.demand) = (m.supply * k, m.demand * k);
        (uint64 sellScaled, uint64 buyScaled) = _price(m);
        assertEq(sell, sellScaled, "sell");
        assertEq(buy, buyScaled, "buy");
    }

    function testFuzz_abundancePaysTheFeedInPrice(Market memory m) public pure sensible(m) {
        m.supply = uint64(bound(m.supply, 1, type(uint64).max));
        m.demand = uint64(bound(m.demand, 0, m.supply));
        (uint64 sell, uint64 buy) = _price(m);
        assertEq(sell, m.feedIn, "sell");
        assertEq(buy, m.feedIn, "buy");
    }

    function testFuzz_noSupplyCostsTheRetailPrice(Market memory m) public pure sensible(m) {
        m.supply = 0;
        (uint64 sell, uint64 buy) = _price(m);
        assertEq(sell, m.retail, "sell");
        assertEq(buy, m.retail, "buy");
    }

    function _price(Market memory m) private pure returns (uint64 sell, uint64 buy) {
        return SupplyDemandPrice.priceDown(m.supply, m.demand, m.feedIn, m.retail);
    }
}
