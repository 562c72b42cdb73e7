// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HostileReceiver} from "../../contracts/dev/HostileReceiver.sol";
import {Delivery, Listing, PriceMode} from "../../contracts/market/IDirectMarket.sol";
import {Auction, NewOrder} from "../../contracts/market/ICallAuction.sol";
import {OrderId, Side} from "../../contracts/market/OrderId.sol";
import {isSource, Kind} from "../../contracts/metering/IMeterRegistry.sol";
import {Plots} from "./Plots.sol";
import {HostileMoney} from "./HostileMoney.sol";

/// @title A zone with both markets, and everything anybody may do in it, in any order and with any numbers
contract World is Plots {
    address private constant ROGUE = address(0x20609E);

    /// @dev Money that lies in the vault and was never deposited.
    uint256 private _donated;

    constructor() {
        _settleWorld();
    }

    // ----------------------------------------------------------- the call auction

    function place(uint256 deviceSeed, uint256 seed, uint16 energy, uint32 ticks) external action("place") {
        uint32 meterId = _devices[deviceSeed % _devices.length].id;
        NewOrder[] memory orders = new NewOrder[](1 + (seed % 3));
        for (uint256 i = 0; i < orders.length; i++) {
            Side side = (seed >> (8 + i)) % 2 == 0 ? Side.Bid : Side.Ask;
            if (!_sells(meterId) && (seed >> (40 + i)) % 8 != 0) side = Side.Bid;
            // Few ticks, so that orders tie; a crossing in the middle of them; now and then one that is not allowed.
            uint256 level = 40 + ((uint256(ticks) >> (4 * i)) % 12);
            if ((seed >> (16 + i)) % 16 == 0) level = (ticks >> 16) % 128;
            uint8 tick = uint8((side == Side.Bid ? level + GRID_FEE / TICK : level) % 128);
            uint40 slot = registry.currentSlot() + 1 + uint40((seed >> (24 + i)) % AHEAD);
            orders[i] = NewOrder(slot, meterId, side, tick, uint32(bound(energy >> i, 10, 3_000)));
        }
        vm.prank((seed >> 64) % 6 == 0 ? actor(seed >> 72) : registry.ownerOf(meterId));
        try auction.placeOrders(orders) {
            done["place"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function cancelOrder(uint256 seed) external action("cancelOrder") {
        if (_ids.length == 0) return;
        OrderId id = _ids[seed % _ids.length];
        vm.prank((seed >> 128) % 8 == 0 ? actor(seed >> 136) : _orders[id].account);
        try auction.cancelOrders(_list(id)) {
            done["cancelOrder"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    /// @dev The price is found by trying them all; see `_checkFills` for who must be served.
    function clear(uint256 seed) external action("clear") {
        uint40 slot = registry.currentSlot() + 1 - uint40(seed % 2);
        try auction.clear(slot) returns (uint64 price, uint64 volume) {
            done["clear"]++;
            if (volume != 0) done["match"]++;
            _checkFills(slot, price, volume);
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    /// @dev Some or all open orders, due or not, twice, and one that never was.
    function settleOrders(uint256 seed, bool all) external action("settleOrders") {
        uint256 count = _ids.length;
        if (count == 0) return;
        OrderId[] memory ids = new OrderId[](all ? count + 1 : 3);
        for (uint256 i = 0; i + 1 < ids.length; i++) ids[i] = _ids[all ? i : (seed >> (8 * i)) % count];
        ids[ids.length - 1] = seed % 2 == 0 ? ids[0] : OrderId.wrap(seed);
        vm.prank(STRANGER);
        auction.settle(ids);
        _replay();
        if (_ids.length < count) done["settleOrders"] += count - _ids.length;
    }

    function finalize(uint256 seed) external action("finalize") {
        if (_slots.length == 0) return;
        uint256 recent = _slots.length < 6 ? _slots.length : 6;
        try auction.finalize(_slots[_slots.length - 1 - (seed % recent)]) {
            done["finalize"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    // ----------------------------------------------------------- the direct market

    function list(uint256 deviceSeed, uint256 seed, uint32 energy, uint64 price) external action("list") {
        Device storage device = _devices[deviceSeed % _devices.length];
        uint32 most = seed % 2 == 0 ? 200 : 3_000;
        vm.prank((seed >> 64) % 8 == 0 ? actor(seed >> 72) : registry.ownerOf(device.id));
        try
            market.list(
                device.id,
                uint32(bound(energy, 1, most)),
                seed % 3 == 0 ? PriceMode.Index : PriceMode.Fixed,
                uint64(bound(price, FEED_IN, RETAIL - GRID_FEE)),
                uint32(seed % 20),
                uint40(clock + 1 + (seed % 2_000))
            )
        {
            done["list"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function cancelListing(uint256 seed) external action("cancelListing") {
        if (market.listingCount() == 0) return;
        uint256 id = 1 + (seed % market.listingCount());
        vm.prank(market.listingOf(id).account);
        market.cancelListing(id);
        done["cancelListing"]++;
    }

    function buy(uint256 listingSeed, uint256 deviceSeed, uint32 energy, uint256 seed) external action("buy") {
        uint256 count = market.listingCount();
        if (count == 0) return;
        // Mostly one of the latest offers: the others have expired or are sold.
        uint256 id = count - (listingSeed % (count < 4 ? count : 4));
        Listing memory listing = market.listingOf(id);
        if (listing.energy == 0) return;
        uint32 meterId = _devices[deviceSeed % _devices.length].id;
        uint64 most = seed % 4 == 0 ? uint64(FEED_IN + ((seed >> 8) % RETAIL)) : type(uint64).max;
        uint40 deadline = uint40(clock + 1 + ((seed >> 72) % ((seed >> 80) % 4 == 0 ? MAX_DELIVERY : 2 * D)));
        vm.prank(registry.ownerOf(meterId));
        try market.buy(id, meterId, uint32(bound(energy, 1, listing.energy)), most, deadline) returns (uint256 bought) {
            done["buy"]++;
            Delivery memory delivery = market.deliveryOf(bought);
            assertLe(uint256(delivery.price) + delivery.gridFee, most, "the buyer's limit");
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function settleDelivery(uint256 seed, uint256 slotSeed) external action("settleDelivery") {
        if (_openDeals.length == 0) return;
        uint256 id = _openDeals[seed % _openDeals.length];
        Delivery memory delivery = market.deliveryOf(id);
        market.settle(id, uint40(bound(slotSeed, delivery.startSlot, delivery.deadlineSlot)));
        if (market.deliveryOf(id).delivered > delivery.delivered) done["settleDelivery"]++;
    }

    function close(uint256 seed, uint256 callerSeed) external action("close") {
        if (_openDeals.length == 0) return;
        uint256 id = _openDeals[seed % _openDeals.length];
        vm.prank(callerSeed % 3 == 0 ? actor(callerSeed >> 8) : STRANGER);
        try market.close(id) {
            Delivery memory delivery = market.deliveryOf(id);
            if (delivery.closed) done["close"]++;
            if (delivery.closed && delivery.delivered == delivery.energy) done["complete"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    // ------------------------------------------------------- certificates and money

    function mintUnsold(uint256 deviceSeed, uint256 slotSeed, uint32 amount) external action("mintUnsold") {
        uint32 id = _devices[deviceSeed % _devices.length].id;
        uint40 slot = registry.currentSlot() - uint40(slotSeed % 8);
        vm.prank(registry.ownerOf(id));
        try energyToken.mintUnsold(id, slot, 1 + (amount % 1_000)) returns (uint32 minted) {
            done["mintUnsold"]++;
            _claim(id, slot, minted);
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function retire(uint256 actorSeed, uint256 seed, uint256 amount) external action("retire") {
        address account = actor(actorSeed);
        uint256 id = _idOf(seed);
        uint256 balance = energyToken.balanceOf(account, id);
        for (uint256 i = 1; balance == 0 && i < 8; i++) {
            id = _idOf((seed % 8) + i);
            balance = energyToken.balanceOf(account, id);
        }
        vm.prank(account);
        try energyToken.retire(id, balance == 0 ? amount : 1 + (amount % balance), STRANGER, "heat") {
            done["retire"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    /// @dev From one to another, who may refuse; by the holder, or by somebody who was not allowed to.
    function transferCertificates(
        uint256 actorSeed,
        uint256 seed,
        uint256 amount
    ) external action("transferCertificates") {
        address from = actor(actorSeed);
        address to = (seed >> 8) % 8 == 0 ? STRANGER : actor(seed >> 16);
        uint256 id = _idOf(seed);
        for (uint256 i = 1; energyToken.balanceOf(from, id) == 0 && i < 8; i++) id = _idOf((seed % 8) + i);
        uint256 balance = energyToken.balanceOf(from, id);
        amount = balance == 0 ? amount : 1 + (amount % balance);
        bool thief = (seed >> 24) % 8 == 0;
        vm.prank(thief ? STRANGER : from);
        try energyToken.safeTransferFrom(from, to, id, amount, "") {
            assertTrue(!thief, "somebody else's certificates");
            done["transferCertificates"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function release(uint256 seed) external action("release") {
        uint256 id = _idOf(seed);
        for (uint256 i = 1; energyToken.held(address(_accomplice), id) == 0 && i < 8; i++) id = _idOf((seed % 8) + i);
        // Whoever refuses mostly takes back for once what it has refused.
        HostileReceiver.Mood mood = _accomplice.mood();
        if ((seed >> 8) % 4 != 0) _accomplice.setMood(HostileReceiver.Mood.Accept);
        try energyToken.release(address(_accomplice), id) {
            done["release"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
        _accomplice.setMood(mood);
    }

    /// @dev Certificates of today, of any source.
    function _idOf(uint256 seed) private view returns (uint256) {
        return energyToken.idOf(registry.currentSlot(), uint8(seed % 8 == 7 ? 255 : seed % 8));
    }

    function deposit(uint256 actorSeed, uint256 amount) external action("deposit") {
        address account = actor(actorSeed);
        amount = bound(amount, 1, 100e6);
        vm.prank(account);
        money.faucet(amount);
        vm.prank(account);
        money.approve(address(vault), amount);
        vm.prank(account);
        vault.deposit(amount);
        done["deposit"]++;
    }

    /// @dev With a permit of one's own, one that somebody else has sent first, or one that is not what was signed.
    function depositWithPermit(uint256 actorSeed, uint256 seed, uint256 amount) external action("depositWithPermit") {
        address account = actor(actorSeed % (ACTORS - 1));
        amount = bound(amount, 1, 100e6);
        vm.prank(account);
        money.faucet(amount);
        address[] memory markets = new address[](seed % 3);
        for (uint256 i = 0; i < markets.length; i++) markets[i] = i == 0 ? address(auction) : address(market);
        (uint8 v, bytes32 r, bytes32 s) = _permit(actorSeed % (ACTORS - 1), account, amount);
        uint256 kind = (seed >> 8) % 4;
        if (kind == 0) money.permit(account, address(vault), amount, clock, v, r, s);
        if (kind == 1) amount++;
        uint256 free = vault.free(account);
        vm.prank(account);
        try vault.depositWithPermit(amount, clock, v, r, s, markets) returns (uint256 received) {
            assertTrue(kind != 1, "a permit for another amount");
            // The accomplice's turn in the middle may have brought the account more, a payment for instance.
            assertLe(free + received, vault.free(account), "a deposit is what came in");
            done["depositWithPermit"]++;
        } catch (bytes memory reason) {
            assertEq(kind, 1, "a permit that was sent first stops no deposit");
            _refused(reason);
        }
    }

    function _permit(uint256 person, address account, uint256 amount) private view returns (uint8, bytes32, bytes32) {
        bytes32 typeHash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 text = keccak256(abi.encode(typeHash, account, address(vault), amount, money.nonces(account), clock));
        return vm.sign(_keyOf(person), keccak256(abi.encodePacked(hex"1901", money.DOMAIN_SEPARATOR(), text)));
    }

    function withdraw(uint256 actorSeed, uint256 amount, uint256 toSeed) external action("withdraw") {
        address account = actor(actorSeed);
        amount = amount % (vault.free(account) + 2);
        vm.prank(account);
        try vault.withdraw(amount, actor(toSeed)) {
            done["withdraw"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function allow(uint256 actorSeed, uint256 seed) external action("allow") {
        vm.prank(actor(actorSeed));
        vault.setAllowed((seed >> 8) % 2 == 0 ? address(market) : address(auction), seed % 4 != 0);
        done["allow"]++;
    }

    /// @dev Somebody sends money to the vault without a deposit.
    function donate(uint256 amount) external action("donate") {
        amount = bound(amount, 1, 1e6);
        bool fee = HostileMoney(address(money)).mood() == HostileMoney.Mood.Fee;
        money.faucet(amount);
        money.transfer(address(vault), amount);
        _donated += fee ? amount - amount / 100 : amount;
        done["donate"]++;
    }

    /// @dev What the money does from now on, and the contract among the people when it receives something.
    function turnHostile(uint256 seed) external action("turnHostile") {
        HostileMoney(address(money)).setMood(HostileMoney.Mood(seed % 4 == 3 ? 2 : seed % 4), _accomplice);
        uint256 mood = (seed >> 8) % 8;
        if (mood < 1) _accomplice.setMood(HostileReceiver.Mood.Accept);
        else if (mood < 5) _accomplice.setMood(HostileReceiver.Mood.Refuse);
        else _accomplice.arm(address(0), "");
        done["turnHostile"]++;
    }

    // -------------------------------------------------------------------- powers

    /// @dev No operator, guardian or market lowers a balance or changes what is open.
    modifier changingNothing() {
        bytes32 before = _state();
        _;
        assertTrue(_state() == before, "a power changed somebody's money, order, delivery or open slot");
    }

    function register(uint256 actorSeed, uint256 seed) external action("register") changingNothing {
        if (_devices.length == MOST_DEVICES) return;
        _install(actor(actorSeed), Kind(seed % 7), seed % 4 == 0);
        done["register"]++;
    }

    /// @dev The operator's rotation, or the device's own.
    function rotate(uint256 deviceSeed, uint256 seed) external action("rotate") changingNothing {
        Device storage device = _devices[deviceSeed % _devices.length];
        uint40 fromSlot = registry.currentSlot() + 1 + uint40(seed % 3);
        uint256 key = ++_keys;
        bytes memory signer = _signer(key, device.secureElement);
        bytes memory possession = _signature(key, device.secureElement, _possession(registry.ownerOf(device.id)));
        bytes memory authorization;
        if (seed % 2 == 0) {
            bytes32 typeHash = keccak256("Rotation(uint32 meterId,uint16 epoch,uint40 fromSlot,bytes32 signerHash)");
            bytes32 text = keccak256(abi.encode(typeHash, device.id, device.epoch, fromSlot, keccak256(signer)));
            authorization = _signature(device.key, device.secureElement, text);
        }
        try registry.rotateSigner(device.id, fromSlot, signer, possession, authorization) {
            (device.keyBefore, device.key) = (device.key, key);
            (device.epoch, device.fromSlot) = (device.epoch + 1, fromSlot);
            done["rotate"]++;
        } catch (bytes memory reason) {
            _refused(reason);
        }
    }

    function setActive(uint256 deviceSeed, uint256 seed) external action("setActive") changingNothing {
        registry.setActive(_devices[deviceSeed % _devices.length].id, seed % 4 != 0);
        done["setActive"]++;
    }

    function setTariff(uint256 seed) external action("setTariff") changingNothing {
        uint64 feedIn = MIN_PRICE + uint64(1 + (seed % 12)) * TICK;
        uint64 retail = MIN_PRICE + uint64(100 + ((seed >> 16) % 27)) * TICK;
        tariff.setTariff(
            registry.currentSlot() + 1 + uint40((seed >> 24) % 4),
            feedIn,
            retail,
            (seed >> 32) % 20 < 10 ? GRID_FEE : uint64((seed >> 40) % 20) * TICK
        );
        done["setTariff"]++;
    }

    function pause(uint256 seed) external action("pause") changingNothing {
        if (seed % 2 == 0) market.paused() ? market.unpause() : market.pause();
        else auction.paused() ? auction.unpause() : auction.pause();
        // Not for long.
        if (seed % 3 != 0 && market.paused()) market.unpause();
        if (seed % 3 != 0 && auction.paused()) auction.unpause();
        done["pause"]++;
    }

    /// @dev A market that nobody allowed reaches nobody's money, and one that was not added claims nothing.
    function actAsMarket(
        uint256 actorSeed,
        uint256 deviceSeed,
        uint256 amount
    ) external action("actAsMarket") changingNothing {
        address victim = actor(actorSeed);
        uint32 id = _devices[deviceSeed % _devices.length].id;
        uint40 slot = registry.currentSlot();
        bool went = false;
        vm.startPrank(ROGUE);
        try vault.lock(victim, amount) {
            went = true;
        } catch {}
        try vault.credit(ROGUE, 1 + (amount % 1e6)) {
            went = true;
        } catch {}
        try registry.claimExport(id, slot, 1) {
            went = true;
        } catch {}
        try registry.claimImport(id, slot, 1) {
            went = true;
        } catch {}
        try energyToken.mint(ROGUE, slot, 1, 1) {
            went = true;
        } catch {}
        vm.stopPrank();
        assertTrue(!went, "a market that was not let in");
        _forget();
        done["actAsMarket"]++;
    }

    // ----------------------------------------------------------------- invariants

    /// @notice Everybody has in the vault what the books say, the markets as well, and the tokens are there.
    function checkMoneyIsThere() external view {
        uint256 sum = vault.pot(address(market)) + vault.pot(address(auction)) + vault.pot(ROGUE);
        for (uint256 i = 0; i < ACTORS + 4; i++) {
            address account = _account(i);
            assertEq(vault.free(account), ownedBy(account), "free money by the books");
            sum += vault.free(account);
        }
        assertEq(sum + _donated, money.balanceOf(address(vault)), "free + pots + donations = tokens held");
    }

    /// @notice Minted + claimed ≤ booked, per meter and slot of the claim window, and the registry says the same.
    function checkNoEnergyTwice() external view {
        uint40 now_ = registry.currentSlot();
        for (uint256 i = 0; i < _devices.length; i++) {
            uint32 id = _devices[i].id;
            for (uint40 slot = now_ - 12; slot <= now_; slot++) {
                assertLe(claimed[id][slot], booked[id][slot], "claimed <= booked");
                (uint32 left, ) = registry.unclaimedIn(id, slot);
                assertEq(left + claimed[id][slot], booked[id][slot], "unclaimed = booked - claimed");
            }
        }
    }

    /// @notice Every certificate stands for a claimed unit.
    function checkCertificates() external view {
        uint256 supply = retired;
        uint256 first = (BEGIN - 1) / 1 days;
        uint256 last = (clock + D) / 1 days;
        for (uint256 day = first; day <= last; day++) {
            for (uint256 source = 0; source < 8; source++) {
                uint256 id = (day << 8) | (source == 7 ? 255 : source);
                uint256 total = energyToken.totalSupply(id);
                supply += total;
                if (total != 0) assertEq(_heldOf(id), total, "certificates are somebody's");
            }
            assertEq(energyToken.totalSupply((day << 8) | uint256(Kind.Load)), 0, "loads get none");
            assertEq(energyToken.totalSupply((day << 8) | uint256(Kind.Grid)), 0, "the utility gets none");
        }
        assertLe(supply, claims, "certificates <= claimed export");
    }

    /// @notice Buyers pay what sellers, grid and the rounding's account get; penalties go from sellers to buyers.
    function checkBuyersPayForEverything() external view {
        int256 held;
        for (uint256 i = 0; i < _slots.length; i++) held += _slotEntries[_slots[i]].balance;
        for (uint256 i = 0; i < _openDeals.length; i++) held -= int256(_deals[_openDeals[i]].paid);
        int256 flow = int256(paidByBuyers) - int256(paidToSellers) - int256(paidAsFees) - int256(rounding);
        assertTrue(flow + penalties == held, "bought = sold + fees + rounding + what is under way");
        assertLe(rounding, roundings, "rounding leaves less than a unit per order and side");
    }

    /// @notice An open slot keeps the tariff of its first order.
    function checkOpenSlotsKeepTheirTariff() external view {
        uint256 from = _slots.length > 8 ? _slots.length - 8 : 0;
        for (uint256 i = from; i < _slots.length; i++) {
            Auction memory slot = auction.auctionOf(_slots[i]);
            SlotEntry storage entry = _slotEntries[_slots[i]];
            assertEq(slot.feedInTick, entry.feedInTick, "feed-in");
            assertEq(slot.retailTick, entry.retailTick, "retail");
            assertEq(slot.feeTicks, entry.feeTicks, "fee");
        }
    }

    function checkOneDeliveryPerMeter() external view {
        for (uint256 i = 0; i < _openDeals.length; i++) {
            Delivery memory delivery = market.deliveryOf(_openDeals[i]);
            assertEq(market.openDeliveryOf(delivery.sellerMeterId), _openDeals[i], "the seller's open delivery");
            assertEq(market.openDeliveryOf(delivery.buyerMeterId), _openDeals[i], "the buyer's open delivery");
        }
    }

    /// @notice Within W, with nobody's help but a stranger's, everybody has everything that is his, and nothing is left but
    /// what nobody deposited. Changes the world.
    /// @param late Nobody does anything until the claim window is over.
    function drain(bool late) external {
        vm.recordLogs();
        HostileMoney(address(money)).setMood(HostileMoney.Mood.Plain, _accomplice);
        if (!market.paused()) market.pause();
        if (!auction.paused()) auction.pause();
        uint256 wait = MAX_DELIVERY + 2 * D + GRACE + 1;
        assertLe(wait, D + WINDOW, "everything can be settled within the claim window");
        clock += late ? (AHEAD + 2) * D + WINDOW + 1 : wait;
        vm.warp(clock);
        while (_openDeals.length > 0) {
            uint256 id = _openDeals[0];
            vm.prank(STRANGER);
            market.close(id);
            assertTrue(market.deliveryOf(id).closed, "closed by a stranger");
            _replay();
        }
        for (uint256 round = 0; round < 2 && _ids.length > 0; round++) {
            vm.prank(STRANGER);
            auction.settle(_ids);
            _replay();
        }
        assertEq(_ids.length, 0, "every order is settled by a stranger");
        assertEq(vault.pot(address(market)), 0, "pot of the direct market");
        assertEq(vault.pot(address(auction)), 0, "pot of the auction");
        for (uint256 i = 0; i < ACTORS + 4; i++) {
            address account = _account(i);
            uint256 free = vault.free(account);
            assertEq(free, ownedBy(account), "free money by the books");
            if (free == 0) continue;
            vm.prank(account);
            vault.withdraw(free, account == address(_accomplice) ? STRANGER : account);
        }
        assertEq(money.balanceOf(address(vault)), _donated, "only what nobody deposited is left");
        _replay();
    }

    // ------------------------------------------------------------------- internal

    /// @dev Certificates of all who can have any, and those that wait for a receiver.
    function _heldOf(uint256 id) private view returns (uint256 sum) {
        for (uint256 i = 0; i < ACTORS; i++) sum += energyToken.balanceOf(actor(i), id);
        sum += energyToken.balanceOf(STRANGER, id) + energyToken.balanceOf(address(energyToken), id);
    }

    /// @dev Everybody who can have money in the vault.
    function _account(uint256 i) private view returns (address) {
        if (i < ACTORS) return actor(i);
        if (i == ACTORS) return GRID_OPERATOR;
        if (i == ACTORS + 1) return DUST;
        return i == ACTORS + 2 ? STRANGER : address(this);
    }

    /// @dev Volume: the largest min(demand at ≥ p, supply at ≤ p) over all prices p, from the books. Fills: nobody is
    /// served at a price beyond his limit; everybody with a better limit than the price is served whole; of two orders
    /// on one side, the better one is served whole before the other gets anything; ties share alike.
    function _checkFills(uint40 slot, uint64 price, uint64 volume) private view {
        assertEq(volume, _largestVolume(slot), "the volume is the largest possible");
        if (volume == 0) return;
        uint256 priceTick = (price - MIN_PRICE) / TICK;
        uint256[2] memory sum;
        for (uint256 i = 0; i < _ids.length; i++) {
            OrderId id = _ids[i];
            if (id.slot() != slot) continue;
            (uint256 filled, uint256 energy) = (auction.fillOf(id), _orders[id].energy);
            uint256 level = _levelOf(id);
            sum[id.isBid() ? 0 : 1] += filled;
            if (filled != 0) assertTrue(id.isBid() ? priceTick <= level : level <= priceTick, "within the limit");
            bool better = id.isBid() ? level > priceTick : level < priceTick;
            if (better) assertEq(filled, energy, "a better-priced order is served whole");
            if (filled != 0) _checkBetterOnes(id, level, filled, energy);
        }
        assertLe(sum[0], volume, "fills of bids");
        assertLe(sum[1], volume, "fills of asks");
        assertLe(volume, sum[0] + _ids.length, "bids are filled but for their fractions");
        assertLe(volume, sum[1] + _ids.length, "asks are filled but for their fractions");
    }

    function _checkBetterOnes(OrderId id, uint256 level, uint256 filled, uint256 energy) private view {
        for (uint256 k = 0; k < _ids.length; k++) {
            OrderId other = _ids[k];
            if (other.slot() != id.slot() || other.isBid() != id.isBid()) continue;
            uint256 its = _levelOf(other);
            if (id.isBid() ? its > level : its < level) {
                assertEq(auction.fillOf(other), _orders[other].energy, "no better-priced order is left out");
            } else if (its == level) {
                // Shares of a tick differ by less than one unit each.
                uint256 mine = filled * _orders[other].energy;
                assertLe(uint256(auction.fillOf(other)) * energy, mine + _orders[other].energy, "ties share alike");
            }
        }
    }

    function _largestVolume(uint40 slot) private view returns (uint256 volume) {
        uint256[128] memory demand;
        uint256[128] memory supply;
        for (uint256 i = 0; i < _ids.length; i++) {
            OrderId id = _ids[i];
            if (id.slot() != slot) continue;
            (id.isBid() ? demand : supply)[_levelOf(id)] += _orders[id].energy;
        }
        for (uint256 p = 1; p < 128; p++) supply[p] += supply[p - 1];
        for (uint256 p = 127; p > 0; p--) demand[p - 1] += demand[p];
        for (uint256 p = 0; p < 128; p++) {
            uint256 moved = demand[p] < supply[p] ? demand[p] : supply[p];
            if (moved > volume) volume = moved;
        }
    }

    function _sells(uint32 meterId) private view returns (bool) {
        return isSource(registry.kindOf(meterId));
    }

    function _levelOf(OrderId id) private view returns (uint256) {
        return id.isBid() ? id.tick() - _slotEntries[id.slot()].feeTicks : id.tick();
    }

    /// @dev All that may differ when a power is used: money, orders, deliveries and open slots.
    function _state() private view returns (bytes32 state) {
        for (uint256 i = 0; i < ACTORS + 4; i++) state = _mix(state, abi.encode(vault.free(_account(i))));
        state = _mix(state, abi.encode(vault.pot(address(market)), vault.pot(address(auction))));
        uint256 from = _slots.length > 6 ? _slots.length - 6 : 0;
        for (uint256 i = from; i < _slots.length; i++) state = _mix(state, abi.encode(auction.auctionOf(_slots[i])));
        for (uint256 i = 0; i < _ids.length; i++) {
            (address account, uint32 energy) = auction.orderOf(_ids[i]);
            state = _mix(state, abi.encode(account, energy, auction.fillOf(_ids[i])));
        }
        for (uint256 i = 0; i < _openDeals.length; i++) {
            state = _mix(state, abi.encode(market.deliveryOf(_openDeals[i])));
        }
    }

    function _mix(bytes32 state, bytes memory more) private pure returns (bytes32) {
        return keccak256(bytes.concat(state, more));
    }
}
