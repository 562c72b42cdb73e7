// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Kind, MeterInfo, Reading} from "../../contracts/metering/IMeterRegistry.sol";
import {Accomplice} from "./Accomplice.sol";
import {HostileMoney} from "./HostileMoney.sol";
import {Ledger} from "./Ledger.sol";

/// @title The people of a zone, their meters, and what these report
/// @notice A refusal is fine; a panic (overflow, division, empty pop) is not. Each action runs at the zone's own clock,
/// which only `advance` moves. Every action is counted when it is tried and when it went through.
abstract contract Actors is Ledger {
    struct Signed {
        Reading reading;
        bytes signature;
    }

    uint256 internal constant ACTORS = 5;
    uint256 internal constant MOST_DEVICES = 8;
    uint256 private constant MOST_WAITING = 12;
    address internal constant STRANGER = address(0x57A);

    uint256 public clock;
    mapping(bytes32 action => uint256) public tried;
    mapping(bytes32 action => uint256) public done;
    Device[] internal _devices;
    uint256 internal _keys;
    /// @dev Signed readings that nobody has relayed yet, and some that somebody has.
    Signed[] private _waiting;

    /// @dev A call that may be refused, with its books.
    modifier action(bytes32 name) {
        vm.warp(clock);
        vm.recordLogs();
        tried[name]++;
        _plot();
        _;
        _replay();
    }

    function _settleWorld() internal {
        _deployZone(new HostileMoney());
        _accomplice = new Accomplice();
        clock = BEGIN + 1;
        vm.recordLogs();
        Kind[6] memory kinds = [Kind.Solar, Kind.Load, Kind.Battery, Kind.Prosumer, Kind.Wind, Kind.Grid];
        for (uint256 i = 0; i < kinds.length; i++) _install(actor(i), kinds[i], i == 3);
        for (uint256 i = 0; i < ACTORS; i++) _fund(actor(i), 1_000e6);
        vm.warp(clock);
        _replay();
    }

    /// @notice Four people, and a contract that receives certificates as it likes.
    function actor(uint256 seed) public view returns (address) {
        uint256 i = seed % ACTORS;
        return i == ACTORS - 1 ? address(_accomplice) : address(uint160(0xAC7000 + i));
    }

    // ------------------------------------------------------------------ actions

    /// @dev Mostly to the next gate closure, boundary or a little further; now and then past grace or claim window.
    function advance(uint256 seed) external {
        tried["advance"]++;
        done["advance"]++;
        uint256 start = registry.endOf(registry.slotOf(clock));
        uint256 kind = seed % 32;
        if (kind < 8 && clock < start - GATE) clock = start - GATE;
        else if (kind < 15) clock = clock == start ? start + 1 : start;
        else if (kind < 28) clock += 1 + ((seed >> 8) % 30);
        else if (kind < 31) clock += D + ((seed >> 8) % (2 * GRACE));
        else if ((seed >> 8) % 8 == 0) clock += WINDOW;
        vm.warp(clock);
    }

    /// @dev Signs what the meter saw since last time, boundary by boundary, and mostly relays it at once.
    function report(uint256 deviceSeed, uint256 seed, uint16 exported, uint16 imported) external action("report") {
        Device storage device = _devices[deviceSeed % _devices.length];
        uint256 kind = seed % 24;
        bool keep = (seed >> 8) % 8 == 0;
        // A gap, a reading over several slots, a jump, a step back.
        if (kind == 0) return _signAndSend(device, true, uint40(clock), exported % 300, imported % 300, keep);
        if (kind == 1) return _signAndSend(device, false, uint40(clock), exported % 300, imported % 300, keep);
        if (kind == 2) return _signAndSend(device, false, uint40(clock), 3_000_000, imported, keep);
        if (kind == 3) device.exported -= device.exported > 50 ? 50 : device.exported;
        uint64 step = uint64(exported % ((seed >> 16) % 4 == 0 ? 4_000 : 300));
        for (uint256 i = 0; i < 6 && device.lastTakenAt < clock; i++) {
            uint40 end = registry.endOf(registry.slotOf(uint256(device.lastTakenAt) + 1));
            _signAndSend(device, false, end < clock ? end : uint40(clock), step, imported % 300, keep);
        }
    }

    /// @dev Every meter reports up to the last boundary.
    function reportAll(uint256 seed) external action("reportAll") {
        for (uint256 i = 0; i < _devices.length; i++) {
            Device storage device = _devices[i];
            // A chain that got lost begins again at the boundary.
            uint40 boundary = uint40((clock / D) * D);
            bool lost = registry.meterOf(device.id).lastTakenAt != device.lastTakenAt;
            if (lost) _signAndSend(device, true, boundary, 0, 0, false);
            for (uint256 k = 0; k < 6; k++) {
                uint40 end = registry.endOf(registry.slotOf(uint256(device.lastTakenAt) + 1));
                if (end > clock) break;
                seed = uint256(keccak256(abi.encode(seed)));
                _signAndSend(device, false, end, uint64(seed % 300), uint64((seed >> 16) % 300), false);
            }
        }
        done["reportAll"]++;
    }

    /// @dev Somebody relays readings that were kept back, in any order, too late, or again.
    function relayKept(uint256 seed, bool inOrder, bool drop) external action("relayKept") {
        uint256 count = _waiting.length;
        if (count == 0) return;
        if (!inOrder) return _relayWaiting(seed % count, drop);
        for (uint256 i = 0; i < count; i++) _relayWaiting(i, false);
        if (drop) delete _waiting;
    }

    /// @dev Readings that nobody has signed, or somebody else has.
    function forge(uint256 deviceSeed, uint256 seed, uint32 exported) external action("forge") {
        Device memory device = _devices[deviceSeed % _devices.length];
        (uint32 id, uint40 takenAt) = (device.id, uint40(clock + (seed % 3)));
        if (seed % 7 == 0) id = uint32(seed >> 8);
        Reading memory reading = Reading(id, device.epoch, device.lastTakenAt, takenAt, 0, exported);
        bytes memory signature = _signature(uint256(keccak256(abi.encode(seed))), false, _hash(reading));
        if (seed % 5 == 0) signature = abi.encode(seed);
        assertTrue(!_relay(reading, signature), "a forged reading");
        done["forge"]++;
    }

    function transferMeter(uint256 deviceSeed, uint256 actorSeed) external action("transferMeter") {
        uint32 id = _devices[deviceSeed % _devices.length].id;
        vm.prank(registry.ownerOf(id));
        registry.transferMeter(id, actor(actorSeed));
        vm.prank(actor(actorSeed));
        registry.acceptMeter(id);
        done["transferMeter"]++;
    }

    function setTrader(uint256 deviceSeed, uint256 actorSeed) external action("setTrader") {
        uint32 id = _devices[deviceSeed % _devices.length].id;
        vm.prank(registry.ownerOf(id));
        registry.setTrader(id, actorSeed % 4 == 0 ? address(0) : actor(actorSeed));
        done["setTrader"]++;
    }

    function reconcile(uint256 seed) external action("reconcile") {
        try registry.reconcile(registry.currentSlot() - uint40(seed % 4)) {
            done["reconcile"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    // ----------------------------------------------------------------- internal

    /// @dev What the accomplice will do in the next action, if anything reaches it.
    function _plot() internal virtual;

    function _reentered(bool ok, bytes memory answer) internal override {
        tried["reenter"]++;
        if (ok) done["reenter"]++;
        else assertTrue(bytes4(answer) != 0x4e487b71, "a panic");
    }

    /// @dev Adds a meter with a key nobody has had, at the first instant of its chain.
    function _install(address owner, Kind kind, bool secureElement) internal {
        Device storage device = _devices.push();
        Device memory added = _addMeter(owner, kind, ++_keys, secureElement);
        (device.id, device.key, device.secureElement) = (added.id, added.key, secureElement);
        // The last boundary that has passed.
        uint40 takenAt = uint40((block.timestamp / D) * D);
        (Reading memory reading, bytes memory signature) = _read(device, true, takenAt, 0, 0);
        _send(reading, signature);
    }

    function _signAndSend(
        Device storage device,
        bool restart,
        uint40 takenAt,
        uint64 exported,
        uint64 imported,
        bool keep
    ) private {
        if (takenAt <= device.lastTakenAt) return;
        (Reading memory reading, bytes memory signature) = _read(device, restart, takenAt, exported, imported);
        if (!keep) return _send(reading, signature);
        if (_waiting.length == MOST_WAITING) _waiting.pop();
        Signed storage signed = _waiting.push();
        (signed.reading, signed.signature) = (reading, signature);
    }

    function _relayWaiting(uint256 index, bool drop) private {
        Signed memory signed = _waiting[index];
        uint256 before = done["report"];
        _send(signed.reading, signed.signature);
        if (done["report"] > before) done["relayKept"]++;
        if (!drop) return;
        _waiting[index] = _waiting[_waiting.length - 1];
        _waiting.pop();
    }

    /// @dev Relays a signed reading, and holds the registry against the rules of what is taken and what is booked.
    function _send(Reading memory reading, bytes memory signature) private {
        uint40 slot = registry.slotOf(reading.takenAt);
        MeterInfo memory meter = registry.meterOf(reading.meterId);
        bool taken =
            reading.takenAt <= block.timestamp &&
                reading.takenAt > meter.lastTakenAt &&
                (reading.since == 0 || reading.since == meter.lastTakenAt) &&
                reading.epoch == (slot < meter.epochFromSlot ? meter.epoch - 1 : meter.epoch);
        uint32[2] memory sums;
        (sums[0], sums[1], ) = registry.energyIn(reading.meterId, slot);
        bool accepted = _relay(reading, signature);
        assertTrue(accepted == taken, "a reading is taken when it is the next one");
        if (!accepted) return;
        done["report"]++;
        uint256 before = booked[reading.meterId][slot];
        if (_isBooked(reading, meter, slot, sums)) booked[reading.meterId][slot] += reading.exported - meter.exported;
        if (booked[reading.meterId][slot] > before) done["book"]++;
        if (before == 0 && booked[reading.meterId][slot] == 0) return;
        (uint32 exported, , ) = registry.energyIn(reading.meterId, slot);
        assertEq(exported, booked[reading.meterId][slot], "booked is what was measured in the slot");
    }

    /// @param sums What was booked to the slot before.
    function _isBooked(
        Reading memory reading,
        MeterInfo memory meter,
        uint40 slot,
        uint32[2] memory sums
    ) private view returns (bool) {
        if (reading.since == 0 || reading.since < slot * D) return false;
        if (block.timestamp > registry.endOf(slot) + GRACE) return false;
        if (reading.exported < meter.exported || reading.imported < meter.imported) return false;
        (uint256 exported, uint256 imported) = (reading.exported - meter.exported, reading.imported - meter.imported);
        uint256 most = _mostIn(reading.takenAt - meter.lastTakenAt);
        if (exported > most || imported > most) return false;
        return sums[0] + exported <= _mostIn(D) && sums[1] + imported <= _mostIn(D);
    }

    /// @dev 1 MW with a reserve of 10 %, in Wh, rounded up, and one step.
    function _mostIn(uint256 duration) private pure returns (uint256) {
        return (duration * MAX_POWER_W * 11 + 35_999) / 36_000 + 1;
    }

    /// @dev `Panic(uint256)` and running out of gas are never an answer.
    function _refused(bytes memory reason) internal {
        assertTrue(bytes4(reason) != 0x4e487b71, "a panic");
        assertTrue(reason.length != 0, "an empty answer");
        _forget();
    }
}
