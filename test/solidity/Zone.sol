// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TestUSD} from "../../contracts/dev/TestUSD.sol";
import {CallAuction} from "../../contracts/market/CallAuction.sol";
import {DirectMarket} from "../../contracts/market/DirectMarket.sol";
import {MeterRegistry} from "../../contracts/metering/MeterRegistry.sol";
import {Kind, Reading} from "../../contracts/metering/IMeterRegistry.sol";
import {Vault} from "../../contracts/money/Vault.sol";
import {Tariff} from "../../contracts/pricing/Tariff.sol";
import {EnergyToken} from "../../contracts/token/EnergyToken.sol";
import {Test} from "./Test.sol";

/// @title A zone with short slots, of which this contract is administrator, operator and guardian
abstract contract Zone is Test {
    /// @dev A meter's device: its registers, its key, the first slot that this key signs, and the key before it.
    struct Device {
        uint32 id;
        uint256 key;
        uint40 lastTakenAt;
        uint64 imported;
        uint64 exported;
        uint16 epoch;
        uint40 fromSlot;
        uint256 keyBefore;
        bool secureElement; // keys of P-256 instead of secp256k1
    }

    struct Signed {
        Reading reading;
        bytes signature;
    }

    uint40 internal constant D = 60;
    uint40 internal constant GRACE = 120;
    uint40 internal constant WINDOW = 1_800;
    uint40 internal constant MAX_DELIVERY = 900;
    uint40 internal constant GATE = 15;
    uint40 internal constant AHEAD = 3;
    uint64 internal constant MIN_PRICE = 60_000;
    uint64 internal constant FEED_IN = 80_000;
    uint64 internal constant RETAIL = 300_000;
    uint64 internal constant GRID_FEE = 20_000;
    uint64 internal constant TICK = 2_000;
    uint256 internal constant UNITS_PER_KWH = 1_000;
    uint32 internal constant MAX_POWER_W = 1_000_000;
    uint256 private constant P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    bytes32 internal constant SALT = keccak256("a community");
    /// @dev An instant on the boundary between two slots.
    uint40 internal constant BEGIN = 30_000_000 * D;

    address internal constant GRID_OPERATOR = address(0x6121D);
    address internal constant DUST = address(0xD057);

    AccessManager internal manager;
    MeterRegistry internal registry;
    TestUSD internal money;
    Vault internal vault;
    Tariff internal tariff;
    EnergyToken internal energyToken;
    DirectMarket internal market;
    CallAuction internal auction;

    function _deployZone(TestUSD money_) internal {
        vm.warp(BEGIN);
        money = money_;
        manager = new AccessManager(address(this));
        registry = new MeterRegistry(address(manager), D, GRACE, WINDOW, uint32(UNITS_PER_KWH), SALT);
        vault = new Vault(money);
        tariff = new Tariff(address(manager), registry, MIN_PRICE, TICK, 1, FEED_IN, RETAIL, GRID_FEE);
        energyToken = new EnergyToken(registry);
        market = new DirectMarket(
            address(manager),
            registry,
            vault,
            tariff,
            energyToken,
            GRID_OPERATOR,
            DUST,
            MAX_DELIVERY,
            300
        );
        auction = new CallAuction(
            address(manager),
            registry,
            vault,
            tariff,
            energyToken,
            GRID_OPERATOR,
            DUST,
            GATE,
            AHEAD,
            10
        );
        registry.addMarket(address(market));
        registry.addMarket(address(auction));
        registry.addMarket(address(energyToken));
    }

    function _addMeter(
        address owner,
        Kind kind,
        uint256 key,
        bool secureElement
    ) internal returns (Device memory device) {
        (device.key, device.secureElement) = (key, secureElement);
        bytes memory possession = _signature(key, secureElement, _possession(owner));
        device.id = registry.register(owner, kind, MAX_POWER_W, 1, _signer(key, secureElement), possession);
    }

    function _possession(address owner) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Possession(address owner)"), owner));
    }

    /// @dev A key as the registry knows it.
    function _signer(uint256 key, bool secureElement) internal view returns (bytes memory) {
        if (!secureElement) return abi.encodePacked(vm.addr(key));
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return abi.encodePacked(address(registry), x, y);
    }

    /// @dev Deposits play money and lets both markets lock it.
    function _fund(address account, uint256 amount) internal {
        vm.prank(account);
        money.faucet(amount);
        vm.prank(account);
        money.approve(address(vault), amount);
        vm.prank(account);
        vault.deposit(amount);
        vm.prank(account);
        vault.setAllowed(address(market), true);
        vm.prank(account);
        vault.setAllowed(address(auction), true);
    }

    /// @dev The next reading of the chain, or a restart; the device remembers it whether it is accepted or not.
    function _report(Device storage device, bool restart, uint40 takenAt, uint64 exported, uint64 imported) internal {
        (Reading memory reading, bytes memory signature) = _read(device, restart, takenAt, exported, imported);
        _relay(reading, signature);
    }

    function _read(
        Device storage device,
        bool restart,
        uint40 takenAt,
        uint64 exported,
        uint64 imported
    ) internal returns (Reading memory reading, bytes memory signature) {
        uint40 since = restart ? 0 : device.lastTakenAt;
        device.lastTakenAt = takenAt;
        device.imported += imported;
        device.exported += exported;
        bool before = registry.slotOf(takenAt) < device.fromSlot;
        uint16 epoch = before ? device.epoch - 1 : device.epoch;
        reading = Reading(device.id, epoch, since, takenAt, device.imported, device.exported);
        uint256 key = before ? device.keyBefore : device.key;
        signature = _signature(key, device.secureElement, _hash(reading));
    }

    function _relay(Reading memory reading, bytes memory signature) internal returns (bool accepted) {
        Signed[] memory batch = new Signed[](1);
        batch[0] = Signed(reading, signature);
        return _relay(batch) == 1;
    }

    /// @dev All of them in one call.
    function _relay(Signed[] memory batch) internal returns (uint256 accepted) {
        (Reading[] memory readings, bytes[] memory signatures) = _apart(batch);
        return registry.report(readings, signatures);
    }

    function _apart(
        Signed[] memory batch
    ) internal pure returns (Reading[] memory readings, bytes[] memory signatures) {
        readings = new Reading[](batch.length);
        signatures = new bytes[](batch.length);
        for (uint256 i = 0; i < batch.length; i++) {
            (readings[i], signatures[i]) = (batch[i].reading, batch[i].signature);
        }
    }

    function _hash(Reading memory reading) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Reading(uint32 meterId,uint16 epoch,uint40 since,uint40 takenAt,uint64 imported,uint64 exported)"
        );
        return keccak256(abi.encode(typeHash, reading));
    }

    function _signature(uint256 key, bool secureElement, bytes32 structHash) internal view returns (bytes memory) {
        bytes32 digest = _digest(structHash);
        if (secureElement) {
            (bytes32 x, bytes32 y) = vm.signP256(key, digest);
            // The lower of the two values of s.
            if (uint256(y) > P256_ORDER / 2) y = bytes32(P256_ORDER - uint256(y));
            return abi.encodePacked(x, y);
        }
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
                ),
                keccak256("IoE MeterRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry),
                SALT
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
