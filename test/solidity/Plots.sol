// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HostileReceiver} from "../../contracts/dev/HostileReceiver.sol";
import {Delivery, PriceMode} from "../../contracts/market/IDirectMarket.sol";
import {NewOrder} from "../../contracts/market/ICallAuction.sol";
import {OrderId, Side} from "../../contracts/market/OrderId.sol";
import {Reading} from "../../contracts/metering/IMeterRegistry.sol";
import {Actors} from "./Actors.sol";

/// @title What the accomplice does in the middle of somebody else's transaction
/// @notice Everything it could do by itself: trade, settle, close, relay readings, move money, certificates and meters. Chosen
/// anew before every action, from what is there, so that it is mostly something that works.
abstract contract Plots is Actors {
    uint256 private _plots;

    function _plot() internal override {
        if (_accomplice.mood() != HostileReceiver.Mood.Reenter) return;
        uint256 seed = uint256(keccak256(abi.encode(clock, _plots++)));
        uint256 kind = seed % 20;
        seed >>= 8;
        (address target, bytes memory data) = kind < 4
            ? _plotMoney(kind, seed)
            : kind < 8
                ? _plotOrders(kind, seed)
                : kind < 13
                    ? _plotDeliveries(kind, seed)
                    : kind < 17
                        ? _plotEnergy(kind, seed)
                        : _plotReport(seed);
        _accomplice.arm(target, data);
    }

    /// @dev What two meters show now, which nobody else has got: few, for there is not much gas where certificates are received.
    function _plotReport(uint256 seed) private returns (address, bytes memory) {
        Signed[] memory batch = _signAndKeep(seed);
        (Reading[] memory readings, bytes[] memory signatures) = _apart(batch);
        return (address(registry), abi.encodeCall(registry.report, (readings, signatures)));
    }

    function _plotMoney(uint256 kind, uint256 seed) private returns (address, bytes memory) {
        address self = address(_accomplice);
        if (kind == 0) {
            address allowed = seed % 2 == 0 ? address(market) : address(auction);
            return (address(vault), abi.encodeCall(vault.setAllowed, (allowed, (seed >> 8) % 4 != 0)));
        }
        uint256 amount = vault.free(self) / (1 + ((seed >> 8) % 3));
        if (kind == 1) return (address(vault), abi.encodeCall(vault.withdraw, (amount, STRANGER)));
        if (kind == 2) return (address(vault), abi.encodeCall(vault.withdraw, (amount, self)));
        amount = 1 + (seed % 1e6);
        vm.prank(self);
        money.approve(address(vault), amount);
        if (seed % 2 == 0) return (address(vault), abi.encodeCall(vault.deposit, (amount)));
        // A contract has no key to sign with: the allowance is what it was.
        address[] memory markets = new address[](1);
        markets[0] = address(market);
        return (address(vault), abi.encodeCall(vault.depositWithPermit, (amount, clock, 27, "r", "s", markets)));
    }

    function _plotOrders(uint256 kind, uint256 seed) private view returns (address, bytes memory) {
        if (kind == 4 && _ids.length > 0) {
            OrderId[] memory ids = _list(_ids[seed % _ids.length]);
            return (address(auction), abi.encodeCall(auction.settle, (ids)));
        }
        if (kind == 5 && _ids.length > 0) {
            OrderId[] memory ids = _list(_ids[_ids.length - 1]);
            return (address(auction), abi.encodeCall(auction.cancelOrders, (ids)));
        }
        uint40 next = registry.currentSlot() + 1;
        if (kind == 6) {
            bytes memory call =
                seed % 2 == 0
                    ? abi.encodeCall(auction.clear, (next))
                    : abi.encodeCall(auction.finalize, (next - 1 - uint40((seed >> 8) % 3)));
            return (address(auction), call);
        }
        NewOrder[] memory orders = new NewOrder[](1);
        bool isBid = seed % 2 == 0;
        uint8 tick = uint8(40 + ((seed >> 8) % 20));
        orders[0] = NewOrder(next, _ownMeter(), isBid ? Side.Bid : Side.Ask, tick, uint32(10 + ((seed >> 16) % 500)));
        return (address(auction), abi.encodeCall(auction.placeOrders, (orders)));
    }

    function _plotDeliveries(uint256 kind, uint256 seed) private view returns (address, bytes memory) {
        address target = address(market);
        uint256 listings = market.listingCount();
        if (kind < 11 && _openDeals.length > 0) {
            uint256 id = _openDeals[seed % _openDeals.length];
            if (kind == 8) return (target, abi.encodeCall(market.close, (id)));
            Delivery memory delivery = market.deliveryOf(id);
            uint40 slots = delivery.deadlineSlot - delivery.startSlot + 1;
            uint40 slot = delivery.startSlot + uint40((seed >> 8) % slots);
            return (target, abi.encodeCall(market.settle, (id, slot)));
        }
        if (kind == 11 && listings > 0) {
            return (target, abi.encodeCall(market.cancelListing, (listings - (seed % (listings < 4 ? listings : 4)))));
        }
        if (kind == 12 && listings > 0) {
            uint32 energy = uint32(1 + (seed % 100));
            uint40 deadline = uint40(clock + 1 + ((seed >> 16) % D));
            uint64 any = type(uint64).max;
            return (target, abi.encodeCall(market.buy, (listings, _ownMeter(), energy, any, deadline)));
        }
        uint32 offered = uint32(1 + (seed % 500));
        uint40 until = uint40(clock + 600);
        return (target, abi.encodeCall(market.list, (_ownMeter(), offered, PriceMode.Fixed, 100_000, 1, until)));
    }

    function _plotEnergy(uint256 kind, uint256 seed) private view returns (address, bytes memory) {
        address self = address(_accomplice);
        uint40 slot = registry.currentSlot();
        uint256 id = energyToken.idOf(slot, uint8(seed % 8 == 7 ? 255 : seed % 8));
        if (kind == 13) {
            slot -= uint40((seed >> 8) % 4);
            return (
                address(energyToken),
                abi.encodeCall(energyToken.mintUnsold, (_ownMeter(), slot, 1 + uint32(seed % 50)))
            );
        }
        if (kind == 16) {
            uint256 amount = energyToken.balanceOf(self, id);
            amount = amount == 0 ? 1 : 1 + ((seed >> 16) % amount);
            return (
                address(energyToken),
                abi.encodeCall(energyToken.safeTransferFrom, (self, actor(seed >> 8), id, amount, ""))
            );
        }
        if (kind == 14) {
            bytes memory call =
                (seed >> 8) % 2 == 0
                    ? abi.encodeCall(energyToken.release, (self, id))
                    : abi.encodeCall(energyToken.retire, (id, 1, STRANGER, "light"));
            return (address(energyToken), call);
        }
        if (seed % 4 == 0) return (address(registry), abi.encodeCall(registry.reconcile, (slot - 1)));
        if (seed % 4 == 1) return (address(registry), abi.encodeCall(registry.acceptMeter, (_ownMeter())));
        if (seed % 4 == 2) return (address(registry), abi.encodeCall(registry.setTrader, (_ownMeter(), STRANGER)));
        return (address(registry), abi.encodeCall(registry.transferMeter, (_ownMeter(), actor(seed >> 8))));
    }

    /// @dev A meter of the accomplice, or anybody's if it has none.
    function _ownMeter() private view returns (uint32 id) {
        for (uint256 i = 0; i < _devices.length; i++) {
            id = _devices[i].id;
            if (registry.ownerOf(id) == address(_accomplice)) return id;
        }
    }

    function _list(OrderId id) internal pure returns (OrderId[] memory ids) {
        ids = new OrderId[](1);
        ids[0] = id;
    }
}
