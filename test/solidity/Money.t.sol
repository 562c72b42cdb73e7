// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSD} from "../../contracts/dev/TestUSD.sol";
import {PriceMode} from "../../contracts/market/IDirectMarket.sol";
import {Kind} from "../../contracts/metering/IMeterRegistry.sol";
import {Zone} from "./Zone.sol";

/// @title One delivery over three slots with any numbers: where every base unit goes
contract MoneyTest is Zone {
    address private constant SELLER = address(0x5E11E2);
    address private constant BUYER = address(0xB0B);
    uint256 private constant FUNDS = 10_000e6;

    struct Trade {
        uint32 energy;
        uint64 price;
        uint16[6] sent;
        uint16[6] received;
    }

    Device private _source;
    Device private _sink;

    function setUp() public {
        _deployZone(new TestUSD());
        _source = _addMeter(SELLER, Kind.Solar, 1, false);
        _sink = _addMeter(BUYER, Kind.Load, 2, false);
        _fund(BUYER, FUNDS);
    }

    function testFuzz_everyBaseUnitIsAccountedFor(Trade memory t) public {
        _deliver(t, false);
        uint256 delivered = _expected(t);
        uint256 allIn = t.price + GRID_FEE;
        uint256 cost = _up(delivered * allIn);
        uint256 paid = (delivered * t.price) / UNITS_PER_KWH;
        uint256 fee = (delivered * allIn) / UNITS_PER_KWH - paid;
        assertEq(market.deliveryOf(1).delivered, delivered, "delivered");
        assertEq(vault.free(SELLER), paid, "seller");
        assertEq(vault.free(BUYER), FUNDS - cost, "buyer");
        assertEq(vault.free(GRID_OPERATOR), fee, "fee");
        assertEq(vault.free(DUST), cost - paid - fee, "dust");
        assertLe(vault.free(DUST), 1, "dust is one unit at most");
        assertEq(vault.pot(address(market)), 0, "pot");
    }

    function testFuzz_smallStepsPayTheSameAsOne(Trade memory t) public {
        _deliver(t, true);
        assertEq(market.deliveryOf(1).delivered, _expected(t), "delivered");
        assertEq(vault.free(SELLER), (_expected(t) * t.price) / UNITS_PER_KWH, "seller");
        assertEq(vault.free(BUYER), FUNDS - _up(_expected(t) * (t.price + GRID_FEE)), "buyer");
        assertEq(vault.pot(address(market)), 0, "pot");
    }

    function testFuzz_nothingIsClaimedThatWasNotMeasured(Trade memory t) public {
        _deliver(t, true);
        uint256 claimed;
        for (uint40 slot = BEGIN / D; slot < BEGIN / D + 3; slot++) {
            (uint32 exported, , ) = registry.energyIn(_source.id, slot);
            (uint32 left, ) = registry.unclaimedIn(_source.id, slot);
            claimed += exported - left;
        }
        assertEq(claimed, market.deliveryOf(1).delivered, "claimed export");
        uint256 id = energyToken.idOf(BEGIN / D, uint8(Kind.Solar));
        assertEq(energyToken.balanceOf(BUYER, id), claimed, "certificates");
    }

    function _deliver(Trade memory t, bool stepwise) private {
        t.energy = uint32(bound(t.energy, 1, 30_000));
        t.price = uint64(bound(t.price, FEED_IN, RETAIL - GRID_FEE));
        _report(_source, true, BEGIN, 0, 0);
        _report(_sink, true, BEGIN, 0, 0);
        vm.warp(BEGIN + 1);
        vm.prank(SELLER);
        market.list(_source.id, t.energy, PriceMode.Fixed, t.price, 0, BEGIN + D);
        vm.prank(BUYER);
        market.buy(1, _sink.id, t.energy, type(uint64).max, BEGIN + 3 * D);
        for (uint40 i = 0; i < 6; i++) {
            // 1 MW moves 8.3 kWh in 30 s; more would be implausible.
            (t.sent[i], t.received[i]) = (t.sent[i] % 9_000, t.received[i] % 9_000);
            uint40 takenAt = BEGIN + (i + 1) * (D / 2);
            vm.warp(takenAt);
            _report(_source, false, takenAt, t.sent[i], 0);
            _report(_sink, false, takenAt, 0, t.received[i]);
            if (stepwise) market.settle(1, BEGIN / D + i / 2);
        }
        market.close(1);
    }

    /// @dev What both witnesses saw in each slot, at most what was bought.
    function _expected(Trade memory t) private pure returns (uint256 delivered) {
        for (uint256 i = 0; i < 6; i += 2) {
            uint256 sent = uint256(t.sent[i]) + t.sent[i + 1];
            uint256 proven = ((uint256(t.received[i]) + t.received[i + 1]) * 10_300 + 9_999) / 10_000;
            delivered += sent < proven ? sent : proven;
        }
        if (delivered > t.energy) delivered = t.energy;
    }

    function _up(uint256 value) private pure returns (uint256) {
        return (value + UNITS_PER_KWH - 1) / UNITS_PER_KWH;
    }
}
