// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMeterRegistry, Kind, MeterInfo, Reading} from "../../contracts/metering/IMeterRegistry.sol";
import {Accomplice} from "./Accomplice.sol";
import {HostileMoney} from "./HostileMoney.sol";
import {Ledger} from "./Ledger.sol";

/// @title The people of a zone, their meters, and what these report
/// @notice A refusal is fine; a panic (overflow, division, empty pop) is not. Each action runs at the zone's own clock,
/// which only `advance` moves. Every action is counted when it is tried and when it went through.
abstract contract Actors is Ledger {
    /// @dev Readings on their way to the registry, all in one call.
    struct Batch {
        Signed[72] signed;
        uint256 count;
    }

    /// @dev What the registry must know of a meter, and what it must have booked as imported.
    struct Known {
        uint40 takenAt;
        uint64 imported;
        uint64 exported;
        mapping(uint40 slot => uint256) importedIn;
    }

    uint256 internal constant ACTORS = 5;
    uint256 internal constant MOST_DEVICES = 8;
    uint256 private constant MOST_WAITING = 12;
    /// @dev Slots that the registry surely remembers.
    uint256 private constant REMEMBERED = WINDOW / D;
    address internal constant STRANGER = address(0x57A);

    uint256 public clock;
    mapping(bytes32 action => uint256) public tried;
    mapping(bytes32 action => uint256) public done;
    Device[] internal _devices;
    uint256 internal _keys;
    /// @dev The people who sign; the last one is a contract.
    address[ACTORS] private _people;
    mapping(uint32 meterId => Known) private _known;
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
        for (uint256 i = 0; i < ACTORS - 1; i++) _people[i] = vm.addr(_keyOf(i));
        _people[ACTORS - 1] = address(_accomplice);
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
        return _people[seed % ACTORS];
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

    /// @dev Signs what the meter saw since last time, boundary by boundary, and mostly relays all of it at once.
    function report(uint256 deviceSeed, uint256 seed, uint16 exported, uint16 imported) external action("report") {
        Device storage device = _devices[deviceSeed % _devices.length];
        uint256 kind = seed % 24;
        bool keep = (seed >> 8) % 8 == 0;
        Batch memory batch;
        // A gap, a reading over several slots, a jump, a step back.
        if (kind == 0) _sign(batch, device, true, uint40(clock), exported % 300, imported % 300);
        if (kind == 1) _sign(batch, device, false, uint40(clock), exported % 300, imported % 300);
        if (kind == 2) _sign(batch, device, false, uint40(clock), 3_000_000, imported);
        if (kind == 3) device.exported -= device.exported > 50 ? 50 : device.exported;
        uint64 step = uint64(exported % ((seed >> 16) % 4 == 0 ? 4_000 : 300));
        for (uint256 i = 0; i < 6 && device.lastTakenAt < clock; i++) {
            uint40 end = registry.endOf(registry.slotOf(uint256(device.lastTakenAt) + 1));
            _sign(batch, device, false, end < clock ? end : uint40(clock), step, imported % 300);
        }
        if (keep) _keep(batch);
        else _send(batch);
    }

    /// @dev Every meter reports up to the last boundary, all of them in one call; now and then with a reading in the middle
    /// that nobody has signed.
    function reportAll(uint256 seed) external action("reportAll") {
        Batch memory batch;
        for (uint256 i = 0; i < _devices.length; i++) {
            Device storage device = _devices[i];
            seed = uint256(keccak256(abi.encode(seed)));
            _signSlots(batch, device, seed);
        }
        _send(batch);
        done["reportAll"]++;
    }

    /// @dev Somebody relays readings that were kept back in one call: all of them, or some in any order, too late, or again.
    function relayKept(uint256 seed, bool inOrder, bool drop) external action("relayKept") {
        uint256 count = _waiting.length;
        if (count == 0) return;
        Batch memory batch;
        batch.count = inOrder ? count : 1 + ((seed >> 8) % count);
        for (uint256 i = 0; i < batch.count; i++) {
            batch.signed[i] = _waiting[inOrder ? i : uint256(keccak256(abi.encode(seed, i))) % count];
        }
        done["relayKept"] += _send(batch);
        if (drop && inOrder) delete _waiting;
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

    function _reentered(bytes memory call, bool ok, bytes memory answer) internal override {
        tried["reenter"]++;
        if (ok) done["reenter"]++;
        else assertTrue(bytes4(answer) != 0x4e487b71, "a panic");
        if (!ok || bytes4(call) != IMeterRegistry.report.selector) return;
        (Reading[] memory readings, bytes[] memory signatures) = abi.decode(_arguments(call), (Reading[], bytes[]));
        uint256 taken;
        for (uint256 i = 0; i < readings.length; i++) if (_take(readings[i], signatures[i])) taken++;
        assertEq(abi.decode(answer, (uint256)), taken, "readings are taken when they are the next ones");
        done["reenterReport"] += taken;
    }

    /// @dev Key of one of the people, but for the last one, which has none.
    function _keyOf(uint256 i) internal pure returns (uint256) {
        return 0xAC7000 + (i % ACTORS);
    }

    /// @dev Adds a meter with a key nobody has had, at the first instant of its chain.
    function _install(address owner, Kind kind, bool secureElement) internal {
        Device storage device = _devices.push();
        Device memory added = _addMeter(owner, kind, ++_keys, secureElement);
        (device.id, device.key, device.secureElement) = (added.id, added.key, secureElement);
        // The last boundary that has passed.
        uint40 takenAt = uint40((block.timestamp / D) * D);
        Batch memory batch;
        _sign(batch, device, true, takenAt, 0, 0);
        _send(batch);
    }

    function _signSlots(Batch memory batch, Device storage device, uint256 seed) private {
        // A chain that got lost begins again at the boundary.
        uint40 boundary = uint40((clock / D) * D);
        if (registry.meterOf(device.id).lastTakenAt != device.lastTakenAt) _sign(batch, device, true, boundary, 0, 0);
        for (uint256 k = 0; k < 6 && device.lastTakenAt < boundary; k++) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint40 end = registry.endOf(registry.slotOf(uint256(device.lastTakenAt) + 1));
            _sign(batch, device, false, end, uint64(seed % 300), uint64((seed >> 16) % 300));
            // What follows of this meter is out of order then, and the other meters' readings are taken all the same.
            if ((seed >> 32) % 64 == 0) batch.signed[batch.count - 1].signature = "";
        }
    }

    /// @dev The next reading of a device, or a restart, into the batch.
    function _sign(
        Batch memory batch,
        Device storage device,
        bool restart,
        uint40 takenAt,
        uint64 exported,
        uint64 imported
    ) private {
        if (takenAt <= device.lastTakenAt) return;
        Signed memory signed = batch.signed[batch.count++];
        (signed.reading, signed.signature) = _read(device, restart, takenAt, exported, imported);
    }

    /// @dev What two meters show now, kept back.
    function _signAndKeep(uint256 seed) internal returns (Signed[] memory signed) {
        Batch memory batch;
        for (uint256 i = 0; i < 2; i++) {
            Device storage device = _devices[(seed + i) % _devices.length];
            bool lost = registry.meterOf(device.id).lastTakenAt != device.lastTakenAt;
            _sign(batch, device, lost, uint40(clock), uint64((seed >> 8) % 100), uint64((seed >> 16) % 100));
        }
        _keep(batch);
        signed = new Signed[](batch.count);
        for (uint256 i = 0; i < signed.length; i++) signed[i] = batch.signed[i];
    }

    function _keep(Batch memory batch) private {
        for (uint256 i = 0; i < batch.count; i++) {
            if (_waiting.length == MOST_WAITING) _waiting.pop();
            _waiting.push(batch.signed[i]);
        }
    }

    /// @dev Relays signed readings in one call, and holds the registry against the rules of what is taken and what is booked.
    function _send(Batch memory batch) private returns (uint256 taken) {
        if (batch.count == 0) return 0;
        Signed[] memory all = new Signed[](batch.count);
        for (uint256 i = 0; i < all.length; i++) {
            all[i] = batch.signed[i];
            if (_take(all[i].reading, all[i].signature)) taken++;
        }
        assertEq(_relay(all), taken, "readings are taken when they are the next ones");
        for (uint256 i = 0; i < all.length; i++) _checkBooked(all[i].reading);
    }

    /// @dev Whether the registry takes the reading, and what it books then.
    function _take(Reading memory reading, bytes memory signature) private returns (bool) {
        Known storage known = _known[reading.meterId];
        if (signature.length == 0 || reading.takenAt > block.timestamp || reading.takenAt <= known.takenAt)
            return false;
        if (reading.since != 0 && reading.since != known.takenAt) return false;
        uint40 slot = registry.slotOf(reading.takenAt);
        MeterInfo memory meter = registry.meterOf(reading.meterId);
        if (reading.epoch != (slot < meter.epochFromSlot ? meter.epoch - 1 : meter.epoch)) return false;
        done["report"]++;
        if (_isBooked(reading, known, slot)) {
            uint64 exported = reading.exported - known.exported;
            booked[reading.meterId][slot] += exported;
            known.importedIn[slot] += reading.imported - known.imported;
            if (exported != 0) done["book"]++;
        }
        (known.takenAt, known.imported, known.exported) = (reading.takenAt, reading.imported, reading.exported);
        return true;
    }

    function _checkBooked(Reading memory reading) private view {
        uint32 id = reading.meterId;
        MeterInfo memory meter = registry.meterOf(id);
        Known storage known = _known[id];
        assertEq(meter.lastTakenAt, known.takenAt, "the meter's latest reading");
        assertEq(meter.imported, known.imported, "the meter's imports");
        assertEq(meter.exported, known.exported, "the meter's exports");
        uint40 slot = registry.slotOf(reading.takenAt);
        if (slot + REMEMBERED < registry.currentSlot() || slot > registry.currentSlot()) return;
        (uint32 exported, uint32 imported, ) = registry.energyIn(id, slot);
        assertEq(exported, booked[id][slot], "booked is what was exported in the slot");
        assertEq(imported, known.importedIn[slot], "booked is what was imported in the slot");
    }

    function _isBooked(Reading memory reading, Known storage known, uint40 slot) private view returns (bool) {
        if (reading.since == 0 || reading.since < slot * D) return false;
        if (block.timestamp > registry.endOf(slot) + GRACE) return false;
        if (reading.exported < known.exported || reading.imported < known.imported) return false;
        (uint256 exported, uint256 imported) = (reading.exported - known.exported, reading.imported - known.imported);
        uint256 most = _mostIn(reading.takenAt - known.takenAt);
        if (exported > most || imported > most) return false;
        uint256 before = booked[reading.meterId][slot];
        return before + exported <= _mostIn(D) && known.importedIn[slot] + imported <= _mostIn(D);
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
