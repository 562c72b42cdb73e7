// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSD} from "../../contracts/dev/TestUSD.sol";
import {Kind, Reading} from "../../contracts/metering/IMeterRegistry.sol";
import {MeterRegistry} from "../../contracts/metering/MeterRegistry.sol";
import {Zone} from "./Zone.sol";

contract MeterRegistryTest is Zone {
    Device private _device;

    function setUp() public {
        _deployZone(new TestUSD());
        _device = _addMeter(address(0xA11CE), Kind.Solar, 1, false);
    }

    function testFuzz_everySecondLiesInOneSlot(uint256 timestamp, uint40 duration) public {
        uint40 d = uint40(bound(duration, 1, 1 days));
        uint256 t = bound(timestamp, 1, type(uint40).max - d);
        MeterRegistry any = new MeterRegistry(address(manager), d, d, 2 * d, 1_000, SALT);
        uint256 end = any.endOf(any.slotOf(t));
        assertLe(t, end, "not after the end");
        assertLe(end - d + 1, t, "after the end of the slot before");
        assertEq(any.slotOf(end), any.slotOf(t), "the end belongs to the slot");
        assertEq(any.slotOf(end + 1), any.slotOf(t) + 1, "the next second does not");
    }

    /// Whatever is cut out of a chain of readings, no slot gets energy that was not measured between two readings in it.
    function testFuzz_aSlotHoldsWhatItsOwnReadingsSay(uint8[12] memory seconds_, uint16[12] memory energy) public {
        _report(_device, true, BEGIN, 0, 0);
        uint256[20] memory measured;
        uint40 takenAt = BEGIN;
        for (uint256 i = 0; i < seconds_.length; i++) {
            uint40 since = takenAt;
            takenAt += uint40(bound(seconds_[i], 1, 90));
            if (registry.slotOf(since + 1) == registry.slotOf(takenAt)) {
                measured[registry.slotOf(takenAt) - BEGIN / D] += energy[i] % 200;
            }
            vm.warp(takenAt);
            _report(_device, false, takenAt, energy[i] % 200, 0);
        }
        for (uint256 i = 0; i < measured.length; i++) {
            (uint32 exported, , ) = registry.energyIn(_device.id, uint40(BEGIN / D + i));
            assertEq(exported, measured[i], "exported");
        }
    }

    /// A meter as coarse as the type allows can show more in one step than a slot holds: that is not booked, to neither side.
    function test_whatDoesNotFitIntoASlotIsNotBooked() public {
        address owner = address(0xA11CE);
        _device.key = 2;
        bytes memory possession = _signature(2, false, _possession(owner));
        _device.id = registry.register(
            owner,
            Kind.Battery,
            MAX_POWER_W,
            type(uint32).max,
            _signer(2, false),
            possession
        );
        _report(_device, true, BEGIN, 0, 0);
        vm.warp(BEGIN + 20);
        _report(_device, false, BEGIN + 10, uint64(type(uint32).max) + 1, 0);
        (uint32 exported, uint32 imported, ) = registry.energyIn(_device.id, uint40(BEGIN / D));
        assertEq(exported + imported, 0, "booked");
        assertEq(registry.meterOf(_device.id).exported, uint64(type(uint32).max) + 1, "the register moved");
    }

    /// A chain that splits and takes another id has its own signatures.
    function test_readingsOfAForkAreWorthlessOnTheOther() public {
        _report(_device, true, BEGIN, 0, 0);
        vm.warp(BEGIN + 20);
        (Reading memory reading, bytes memory signature) = _read(_device, false, BEGIN + 10, 5, 0);
        vm.chainId(block.chainid + 1);
        assertTrue(!_relay(reading, signature), "signed for the former id");
        assertTrue(_relay(reading, _signature(_device.key, false, _hash(reading))), "signed for the new id");
        (, , , uint256 chainId, , , ) = registry.eip712Domain();
        assertEq(chainId, block.chainid, "the domain says so");
    }
}
