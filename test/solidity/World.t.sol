// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Actors} from "./Actors.sol";
import {FuzzSelector, Test} from "./Test.sol";
import {World} from "./World.sol";

/// @title What holds in a zone with both markets, whatever anybody does
contract WorldTest is Test {
    World private _world;

    function setUp() public {
        _world = new World();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_world);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory actions = _actions();
        targets[0] = FuzzSelector(address(_world), actions);
    }

    // Σ free + Σ pots ≤ tokens held; no market, operator or guardian lowers a balance.
    function invariant_everybodyHasWhatTheBooksSayAndTheTokensAreThere() public view {
        _world.checkMoneyIsThere();
    }

    function invariant_potsAreWhatOpenOrdersAndDeliveriesCanStillDraw() public view {
        _world.checkPots();
    }

    function invariant_eachExportedUnitPaysOneObligation() public view {
        _world.checkNoEnergyTwice();
    }

    function invariant_certificatesStandForClaimedExport() public view {
        _world.checkCertificates();
    }

    function invariant_buyersPayWhatSellersAndTheGridGet() public view {
        _world.checkBuyersPayForEverything();
    }

    function invariant_anOpenSlotKeepsItsTariff() public view {
        _world.checkOpenSlotsKeepTheirTariff();
    }

    function invariant_aMeterHasOneOpenDelivery() public view {
        _world.checkOneDeliveryPerMeter();
    }

    /// @dev At the end of every run: everybody gets everything out. For `npm run prove`, counts what was called.
    function afterInvariant() public {
        string memory path = vm.envOr("IOE_CALLS", "");
        if (bytes(path).length != 0) vm.writeLine(path, _counts());
        _world.drain(uint256(keccak256(bytes(_counts()))) % 2 == 0);
    }

    /// The walks are worth nothing unless they get into the corners; `npm run prove` asks this of every action.
    function test_shortWalksTradeInBothMarkets() public {
        string[8] memory names = [
            "book",
            "place",
            "clear",
            "settleOrders",
            "buy",
            "settleDelivery",
            "close",
            "withdraw"
        ];
        // A walk alone may miss what is rare, such as the settlement of a running delivery.
        for (uint256 k = 0; k < 8 && !_didAll(names); k++) _walk(uint256(keccak256(abi.encode("everything", k))), 500);
        for (uint256 i = 0; i < names.length; i++) assertLe(1, _world.done(bytes32(bytes(names[i]))), names[i]);
        _world.drain(false);
    }

    function _didAll(string[8] memory names) private view returns (bool) {
        for (uint256 i = 0; i < names.length; i++) if (_world.done(bytes32(bytes(names[i]))) == 0) return false;
        return true;
    }

    function _walk(uint256 seed, uint256 steps) private {
        bytes4[] memory actions = _actions();
        for (uint256 i = 0; i < steps; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes4 action = actions[uint256(keccak256(abi.encode(seed, "action"))) % actions.length];
            bytes memory numbers = abi.encode(seed, seed >> 64, uint16(seed >> 32), uint16(seed >> 48));
            if (action == World.place.selector)
                numbers = abi.encode(seed, seed >> 64, uint16(seed >> 32), uint32(seed));
            if (action == World.buy.selector) numbers = abi.encode(seed, seed >> 16, uint32(seed >> 32), seed >> 64);
            if (action == Actors.relayKept.selector) numbers = abi.encode(seed, seed >> 255, (seed >> 254) & 1);
            if (action == World.settleOrders.selector) numbers = abi.encode(seed, seed >> 255);
            // Any of the actions, with more numbers than some of them take.
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory reason) = address(_world).call(bytes.concat(action, numbers));
            if (!ok) {
                // solhint-disable-next-line no-inline-assembly
                assembly ("memory-safe") {
                    revert(add(reason, 0x20), mload(reason))
                }
            }
        }
        _world.checkMoneyIsThere();
        _world.checkPots();
        _world.checkNoEnergyTwice();
        _world.checkCertificates();
        _world.checkBuyersPayForEverything();
        _world.checkOpenSlotsKeepTheirTariff();
        _world.checkOneDeliveryPerMeter();
    }

    /// @dev One line: name, how often it was tried, how often it went through.
    function _counts() private view returns (string memory line) {
        string[39] memory names = _names();
        for (uint256 i = 0; i < names.length; i++) {
            bytes32 name = bytes32(bytes(names[i]));
            line = string.concat(line, names[i], " ", _text(_world.tried(name)), " ", _text(_world.done(name)), ",");
        }
    }

    function _text(uint256 value) private pure returns (string memory text) {
        if (value >= 10) text = _text(value / 10);
        return string.concat(text, string(abi.encodePacked(uint8(48 + (value % 10)))));
    }

    /// @dev The busiest actions stand more than once.
    function _actions() private pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](77);
        uint256 n;
        for (uint256 i = 0; i < 7; i++) selectors[n++] = Actors.advance.selector;
        for (uint256 i = 0; i < 6; i++) selectors[n++] = Actors.report.selector;
        for (uint256 i = 0; i < 3; i++) selectors[n++] = Actors.reportAll.selector;
        for (uint256 i = 0; i < 2; i++) selectors[n++] = Actors.relayKept.selector;
        selectors[n++] = Actors.forge.selector;
        selectors[n++] = Actors.transferMeter.selector;
        selectors[n++] = Actors.setTrader.selector;
        for (uint256 i = 0; i < 2; i++) selectors[n++] = Actors.reconcile.selector;
        for (uint256 i = 0; i < 6; i++) selectors[n++] = World.place.selector;
        selectors[n++] = World.cancelOrder.selector;
        for (uint256 i = 0; i < 5; i++) selectors[n++] = World.clear.selector;
        for (uint256 i = 0; i < 3; i++) selectors[n++] = World.settleOrders.selector;
        for (uint256 i = 0; i < 3; i++) selectors[n++] = World.finalize.selector;
        for (uint256 i = 0; i < 3; i++) selectors[n++] = World.list.selector;
        selectors[n++] = World.cancelListing.selector;
        for (uint256 i = 0; i < 5; i++) selectors[n++] = World.buy.selector;
        for (uint256 i = 0; i < 3; i++) selectors[n++] = World.settleDelivery.selector;
        for (uint256 i = 0; i < 2; i++) selectors[n++] = World.close.selector;
        selectors[n++] = World.mintUnsold.selector;
        selectors[n++] = World.retire.selector;
        for (uint256 i = 0; i < 2; i++) selectors[n++] = World.transferCertificates.selector;
        for (uint256 i = 0; i < 5; i++) selectors[n++] = World.release.selector;
        selectors[n++] = World.deposit.selector;
        for (uint256 i = 0; i < 2; i++) selectors[n++] = World.depositWithPermit.selector;
        selectors[n++] = World.withdraw.selector;
        selectors[n++] = World.allow.selector;
        selectors[n++] = World.donate.selector;
        selectors[n++] = World.turnHostile.selector;
        selectors[n++] = World.register.selector;
        selectors[n++] = World.rotate.selector;
        selectors[n++] = World.setActive.selector;
        selectors[n++] = World.setTariff.selector;
        selectors[n++] = World.pause.selector;
        selectors[n++] = World.actAsMarket.selector;
    }

    /// @dev Every action, and what some of them bring about: energy booked, a match in the auction, a delivery in full.
    function _names() private pure returns (string[39] memory) {
        return
            [
                "advance",
                "report",
                "reportAll",
                "relayKept",
                "forge",
                "transferMeter",
                "setTrader",
                "reconcile",
                "place",
                "cancelOrder",
                "clear",
                "settleOrders",
                "finalize",
                "list",
                "cancelListing",
                "buy",
                "settleDelivery",
                "close",
                "mintUnsold",
                "retire",
                "transferCertificates",
                "release",
                "deposit",
                "depositWithPermit",
                "withdraw",
                "allow",
                "donate",
                "turnHostile",
                "register",
                "rotate",
                "setActive",
                "setTariff",
                "pause",
                "actAsMarket",
                "reenter",
                "reenterReport",
                "book",
                "match",
                "complete"
            ];
    }
}
