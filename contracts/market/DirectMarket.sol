// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMeterRegistry} from "../metering/IMeterRegistry.sol";
import {IVault} from "../money/IVault.sol";
import {ITariff} from "../pricing/ITariff.sol";
import {IEnergyToken} from "../token/IEnergyToken.sol";
import {DirectWords, Offer, Trade} from "./DirectWords.sol";
import {Delivery, IDirectMarket, Listing, Outcome, PriceMode} from "./IDirectMarket.sol";
import {Market} from "./Market.sol";

/// @title Energy at a fixed or indexed price, delivered now and through relays
/// @notice Units, rules and errors stand on IDirectMarket. Money of a delivery:
///
///   locked  = ⌈energy × (price + fee)⌉             at the purchase, from the buyer
///   paid    = ⌊delivered × price⌋                  to the seller, as readings come in
///   cost    = ⌈delivered × (price + fee)⌉          at the close; locked − cost goes back to the buyer
///   gridFee = ⌊delivered × (price + fee)⌋ − paid   at the close, to the grid operator
///   dust    = cost − paid − gridFee ≤ 1            at the close, to the dust account
contract DirectMarket is IDirectMarket, Market {
    using SafeCast for uint256;
    using DirectWords for *;

    /// @dev A running delivery, as `settle` and `close` find it.
    struct Deal {
        uint256 id;
        Trade trade;
        Offer offer;
        address seller;
        address buyer;
    }

    /// @dev What the market knows of a meter, in one word.
    struct Desk {
        uint64 latestDelivery; // stays when it is closed, so that the next purchase rewrites a used word
        uint64 promised; // as a seller, in closed deliveries
        uint64 delivered;
    }

    /// @dev Most slots a delivery can touch; bounds the loop in `close`.
    uint256 private constant MAX_SLOTS = 24;
    uint256 private constant BASIS_POINTS = 10_000;
    /// @dev Places in a tally: what stood booked in the first slot before the purchase, then what was delivered by slot.
    uint256 private constant EXPORTED_BEFORE = 0;
    uint256 private constant IMPORTED_BEFORE = 1;
    uint256 private constant DELIVERED = 2;

    // Counted in the word that `whenNotPaused` reads anyway, see Market.
    uint32 private _listingCount;
    uint32 private _deliveryCount;
    uint40 public immutable maxDelivery;
    uint16 public immutable lineLossAllowance;
    mapping(uint256 listingId => uint256 offerWord) private _offers;
    mapping(uint256 deliveryId => uint256 tradeWord) private _trades;
    /// @dev Mostly nothing is booked before a purchase: then nothing of it is stored before the first settlement.
    mapping(uint256 deliveryId => uint32[DELIVERED + MAX_SLOTS]) private _tallies;
    mapping(uint32 meterId => Desk) private _desks;

    /// @param maxDelivery_ Longest time from purchase to deadline, seconds; at least one slot.
    /// @param lineLossAllowance_ In 1/10_000 of the received energy.
    constructor(
        address authority,
        IMeterRegistry registry_,
        IVault vault_,
        ITariff tariff_,
        IEnergyToken energyToken_,
        address gridOperator_,
        address dustAccount_,
        uint40 maxDelivery_,
        uint16 lineLossAllowance_
    ) Market(authority, registry_, vault_, tariff_, energyToken_, gridOperator_, dustAccount_) {
        uint40 slotDuration = registry_.slotDuration();
        // A delivery that starts late in a slot touches one slot more than its length, the rounded deadline another.
        // Everything must be settled before the first slot's claim window ends.
        bool fits = maxDelivery_ >= slotDuration && maxDelivery_ / slotDuration + 2 <= MAX_SLOTS;
        uint256 settledBy = uint256(maxDelivery_) + 2 * slotDuration + registry_.grace();
        if (!fits || settledBy > registry_.claimWindow() || lineLossAllowance_ > BASIS_POINTS) {
            revert TimesOutOfRange();
        }
        maxDelivery = maxDelivery_;
        lineLossAllowance = lineLossAllowance_;
    }

    // ---------------------------------------------------------------- listings

    /// @inheritdoc IDirectMarket
    function list(
        uint32 meterId,
        uint32 energy,
        PriceMode mode,
        uint64 price,
        uint32 minEnergy,
        uint40 expiresAt
    ) external whenNotPaused returns (uint256 listingId) {
        (address account, uint16 tenure, , bool sells) = _admitted(meterId);
        if (!sells) revert MeterOnlyBuys(meterId);
        if (energy == 0) revert ZeroEnergy();
        if (minEnergy > energy) revert BelowMinimum(energy, minEnergy);
        if (expiresAt <= block.timestamp) revert ExpiryInPast(expiresAt);
        _checkBounds(price);

        listingId = ++_listingCount;
        _offers[listingId] = Offer(meterId, tenure, energy, minEnergy, mode, uint48(price), expiresAt).pack();
        emit Listed(listingId, meterId, account, energy, mode, price, minEnergy, expiresAt);
    }

    /// @inheritdoc IDirectMarket
    function cancelListing(uint256 listingId) external {
        Offer memory offer = _knownOffer(listingId);
        bool allowed = registry.mayTrade(offer.meterId, msg.sender) || _sellerOf(offer) == msg.sender;
        if (!allowed) revert NotYourMeter(offer.meterId, msg.sender);
        if (offer.expiresAt == 0) return;
        offer.expiresAt = 0;
        // The rest stays: running deliveries need it.
        _offers[listingId] = offer.pack();
        emit ListingCancelled(listingId);
    }

    // --------------------------------------------------------------- purchases

    /// @inheritdoc IDirectMarket
    function buy(
        uint256 listingId,
        uint32 buyerMeterId,
        uint32 energy,
        uint64 maxPrice,
        uint40 deadline
    ) external whenNotPaused nonReentrant returns (uint256 deliveryId) {
        Deal memory deal;
        deal.offer = _knownOffer(listingId);
        Trade memory trade = deal.trade;
        (trade.listingId, trade.buyerMeterId, trade.energy) = (uint32(listingId), buyerMeterId, energy);
        (deal.buyer, trade.buyerTenure, , ) = _admitted(buyerMeterId);
        _checkPurchase(deal);
        uint256 allIn = _price(deal, maxPrice);
        uint40 end = _schedule(trade, deadline);

        deliveryId = ++_deliveryCount;
        deal.id = deliveryId;
        deal.offer.energy -= energy;
        _offers[listingId] = deal.offer.pack();
        _trades[deliveryId] = trade.pack();
        _start(deal);

        uint256 locked = _moneyUp(energy, allIn);
        uint64 gridFee = uint64(allIn - trade.price);
        emit Bought(deliveryId, listingId, deal.buyer, deal.seller, gridFee, uint128(locked));
        emit DeliveryRequested(deliveryId, deal.offer.meterId, buyerMeterId, energy, trade.price, end);
        vault.lock(deal.buyer, locked);
    }

    // -------------------------------------------------------------- settlement

    /// @inheritdoc IDirectMarket
    function settle(uint256 deliveryId, uint40 slot) external nonReentrant {
        Deal memory deal = _openDeal(deliveryId);
        uint40 first = deal.trade.startSlot;
        uint40 last = first + deal.trade.lastSlot;
        if (slot < first || slot > last) revert SlotOutOfRange(slot, first, last);
        _settle(deal, slot);
    }

    /// @inheritdoc IDirectMarket
    function close(uint256 deliveryId) external nonReentrant {
        Deal memory deal = _openDeal(deliveryId);
        Trade memory trade = deal.trade;
        uint40 last = trade.startSlot + trade.lastSlot;

        uint40 current = _currentSlot();
        if (current < last && _isParty(deal)) {
            last = current;
            trade.lastSlot = uint8(last - trade.startSlot);
            _trades[deliveryId] = trade.pack();
            emit DeliveryEnding(deliveryId, uint40(_endOf(last)), msg.sender);
        }

        uint40 until = current < last ? current : last;
        for (uint40 slot = trade.startSlot; slot <= until; slot++) {
            if (trade.delivered == trade.energy) break;
            _settle(deal, slot);
        }

        if (trade.delivered == trade.energy || _isFinal(deal, last)) {
            _finish(deal);
        } else if (!_isParty(deal)) {
            revert DeliveryNotDue(deliveryId, uint40(_endOf(last)));
        }
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc IDirectMarket
    function listingCount() external view returns (uint256) {
        return _listingCount;
    }

    /// @inheritdoc IDirectMarket
    function deliveryCount() external view returns (uint256) {
        return _deliveryCount;
    }

    /// @inheritdoc IDirectMarket
    function listingOf(uint256 listingId) external view returns (Listing memory) {
        Offer memory offer = _knownOffer(listingId);
        return
            Listing({
                account: _sellerOf(offer),
                meterId: offer.meterId,
                energy: offer.energy,
                minEnergy: offer.minEnergy,
                mode: offer.mode,
                price: offer.price,
                expiresAt: offer.expiresAt
            });
    }

    /// @inheritdoc IDirectMarket
    function deliveryOf(uint256 deliveryId) external view returns (Delivery memory) {
        Deal memory deal = _knownDeal(deliveryId);
        Trade memory trade = deal.trade;
        uint40 deadlineSlot = trade.startSlot + trade.lastSlot;
        return
            Delivery({
                listingId: trade.listingId,
                seller: deal.seller,
                buyer: deal.buyer,
                sellerMeterId: deal.offer.meterId,
                buyerMeterId: trade.buyerMeterId,
                energy: trade.energy,
                delivered: trade.delivered,
                price: trade.price,
                gridFee: uint48(_feeOf(trade)),
                paid: uint128(_moneyDown(trade.delivered, trade.price)),
                locked: uint128(_moneyUp(trade.energy, trade.price + _feeOf(trade))),
                startSlot: trade.startSlot,
                deadlineSlot: deadlineSlot,
                deadline: uint40(_endOf(deadlineSlot)),
                closed: trade.closed
            });
    }

    /// @inheritdoc IDirectMarket
    function openDeliveryOf(uint32 meterId) public view returns (uint256 deliveryId) {
        deliveryId = _desks[meterId].latestDelivery;
        if (deliveryId != 0 && _trades[deliveryId].isClosed()) return 0;
    }

    /// @inheritdoc IDirectMarket
    function quote(uint256 listingId) external view returns (uint64 price, uint64 gridFee) {
        return _quote(_knownOffer(listingId));
    }

    /// @inheritdoc IDirectMarket
    function recordOf(uint32 meterId) external view returns (uint64 promised, uint64 delivered) {
        Desk storage desk = _desks[meterId];
        return (desk.promised, desk.delivered);
    }

    // ----------------------------------------------------- internal: purchases

    /// @dev Whether the offer can be bought from like this; finds the seller.
    function _checkPurchase(Deal memory deal) private view {
        (Trade memory trade, Offer memory offer) = (deal.trade, deal.offer);
        uint32 energy = trade.energy;
        if (energy == 0) revert ZeroEnergy();
        if (energy > offer.energy) revert ExceedsRemaining(energy, offer.energy);
        if (energy < offer.minEnergy && energy != offer.energy) revert BelowMinimum(energy, offer.minEnergy);
        if (block.timestamp > offer.expiresAt) revert ListingExpired(trade.listingId, offer.expiresAt);
        if (offer.meterId == trade.buyerMeterId) revert SameMeter(offer.meterId);
        (address owner, bool active, uint16 tenure, , ) = registry.standingOf(offer.meterId);
        if (tenure != offer.tenure) revert ListingStale(trade.listingId);
        if (!active) revert MeterInactive(offer.meterId);
        deal.seller = owner;
        uint256 busy = openDeliveryOf(offer.meterId);
        if (busy == 0) busy = openDeliveryOf(trade.buyerMeterId);
        if (busy != 0) revert MeterBusy(busy);
    }

    /// @dev Fixes price and fee of a purchase; returns both together.
    function _price(Deal memory deal, uint64 maxPrice) private view returns (uint256 allIn) {
        (uint64 price, uint64 gridFee) = _quote(deal.offer);
        if (price + gridFee > maxPrice) revert PriceAboveLimit(price + gridFee, maxPrice);
        deal.trade.price = uint48(price);
        deal.trade.feeTicks = uint8(gridFee / _tickSize);
        return uint256(price) + gridFee;
    }

    /// @dev The deadline lies ahead, within `maxDelivery`, and is rounded up to the end of its slot, which is returned.
    function _schedule(Trade memory trade, uint40 deadline) private view returns (uint40 end) {
        uint256 latest = block.timestamp + maxDelivery;
        if (deadline <= block.timestamp || deadline > latest) {
            revert DeadlineOutOfRange(deadline, block.timestamp + 1, latest);
        }
        uint40 deadlineSlot = _slotOf(deadline);
        trade.startSlot = _currentSlot();
        trade.lastSlot = uint8(deadlineSlot - trade.startSlot);
        return uint40(_endOf(deadlineSlot));
    }

    /// @dev Makes both meters busy and remembers where their slot stood.
    function _start(Deal memory deal) private {
        (uint32 sellerMeterId, uint32 buyerMeterId) = (deal.offer.meterId, deal.trade.buyerMeterId);
        _desks[sellerMeterId].latestDelivery = uint64(deal.id);
        _desks[buyerMeterId].latestDelivery = uint64(deal.id);
        uint40 slot = deal.trade.startSlot;
        (uint32 exported, , ) = registry.energyIn(sellerMeterId, slot);
        (, uint32 imported, ) = registry.energyIn(buyerMeterId, slot);
        if (exported != 0) _tallies[deal.id][EXPORTED_BEFORE] = exported;
        if (imported != 0) _tallies[deal.id][IMPORTED_BEFORE] = imported;
    }

    function _checkBounds(uint64 price) private view returns (uint64 gridFee) {
        uint64 feedIn;
        uint64 retail;
        (feedIn, retail, gridFee) = tariff.tariffAt(_currentSlot());
        if (price < feedIn || price > retail - gridFee) revert PriceOutOfRange(price, feedIn, retail - gridFee);
    }

    /// @dev Price and fee of a purchase now; a listing whose price has left the tariff's bounds cannot be bought.
    function _quote(Offer memory offer) private view returns (uint64 price, uint64 gridFee) {
        price = offer.price;
        if (offer.mode == PriceMode.Index) {
            (uint64 sell, ) = tariff.indexPrice(_currentSlot());
            if (sell > price) price = sell;
        }
        gridFee = _checkBounds(price);
    }

    // ---------------------------------------------------- internal: settlement

    /// @dev Claims what both witnesses have seen more than before in the slot, pays for it and mints certificates.
    function _settle(Deal memory deal, uint40 slot) private {
        // Too late to claim anything: the delivery can still be closed, with what has been settled.
        if (block.timestamp > _endOf(slot) + _claimWindow) return;
        Trade memory trade = deal.trade;
        uint256 place = DELIVERED + slot - trade.startSlot;
        uint32 before = _tallies[deal.id][place];
        uint32 seen = _witnessed(deal, slot, before);
        uint32 open = trade.energy - trade.delivered;
        uint32 more = seen > before ? seen - before : 0;
        if (more > open) more = open;
        if (more == 0) return;

        uint256 paidBefore = _moneyDown(trade.delivered, trade.price);
        trade.delivered += more;
        _trades[deal.id] = trade.pack();
        _tallies[deal.id][place] = before + more;
        uint256 paid = _moneyDown(trade.delivered, trade.price);
        emit DeliveryProgress(deal.id, slot, trade.delivered, uint128(paid));

        registry.claimImport(trade.buyerMeterId, slot, _receivedForDown(before + more) - _receivedForDown(before));
        vault.credit(deal.seller, paid - paidBefore);
        _certify(deal, slot, more);
    }

    /// @dev Claims the seller's export and mints what was claimed: where the seller's meter is silent, that may be
    /// less than what the buyer's meter proves.
    function _certify(Deal memory deal, uint40 slot, uint32 energy) private {
        uint32 sellerMeterId = deal.offer.meterId;
        uint32 claimed = registry.claimExport(sellerMeterId, slot, energy);
        energyToken.mint(deal.buyer, slot, uint8(registry.kindOf(sellerMeterId)), claimed);
    }

    /// @dev Energy of a slot on which both witnesses agree. What the delivery has claimed itself (`before`) counts;
    /// what anybody else has claimed, or was booked before the purchase, does not. A witness whose readings do not
    /// cover a slot that is final for it agrees with the other one.
    function _witnessed(Deal memory deal, uint40 slot, uint32 before) private view returns (uint32) {
        uint32[DELIVERED + MAX_SLOTS] storage tally = _tallies[deal.id];
        bool first = slot == deal.trade.startSlot;
        (uint32 sellerMeterId, uint32 buyerMeterId) = (deal.offer.meterId, deal.trade.buyerMeterId);
        (uint32 booked, , bool complete) = registry.energyIn(sellerMeterId, slot);
        (uint32 unclaimed, ) = registry.unclaimedIn(sellerMeterId, slot);
        if (first) booked -= tally[EXPORTED_BEFORE];
        uint256 exported = Math.min(booked, uint256(unclaimed) + before);
        bool sellerSilent = !complete && _isOver(sellerMeterId, slot);

        (, booked, complete) = registry.energyIn(buyerMeterId, slot);
        (, unclaimed) = registry.unclaimedIn(buyerMeterId, slot);
        if (first) booked -= tally[IMPORTED_BEFORE];
        uint256 imported = Math.min(booked, uint256(unclaimed) + _receivedForDown(before));
        bool buyerSilent = !complete && _isOver(buyerMeterId, slot);

        // Up, as everything on the payer's side: registers are whole units, and every slot cuts off a fraction.
        uint256 sent = _divUp(imported * (BASIS_POINTS + lineLossAllowance), BASIS_POINTS);
        uint256 agreed = exported < sent ? exported : sent;
        // Without the seller's word no line loss is known: the buyer pays for what arrived.
        if (sellerSilent && !buyerSilent) agreed = imported;
        if (buyerSilent && !sellerSilent) agreed = exported;
        return agreed.toUint32();
    }

    /// @dev Nothing more can be booked; no meter is final for a slot that has not ended.
    function _isOver(uint32 meterId, uint40 slot) private view returns (bool) {
        return block.timestamp >= _endOf(slot) && registry.isFinal(meterId, slot);
    }

    /// @dev Received energy that stands behind `sent` within the line-loss allowance: at most what proved it.
    function _receivedForDown(uint32 sent) private view returns (uint32) {
        unchecked {
            return uint32((sent * BASIS_POINTS) / (BASIS_POINTS + lineLossAllowance));
        }
    }

    /// @dev Pays fee, dust and refund, frees both meters and gives back to the listing what was not delivered.
    function _finish(Deal memory deal) private {
        Trade memory trade = deal.trade;
        (uint32 energy, uint32 delivered) = (trade.energy, trade.delivered);
        uint256 allIn = trade.price + _feeOf(trade);
        uint256 locked = _moneyUp(energy, allIn);
        uint256 cost = _moneyUp(delivered, allIn);
        uint256 paid = _moneyDown(delivered, trade.price);
        uint256 gridFee = _moneyDown(delivered, allIn) - paid;

        trade.closed = true;
        _trades[deal.id] = trade.pack();
        if (delivered != energy) {
            // As it stands now: a receiver of certificates may have taken the listing back meanwhile.
            Offer memory offer = _offers[trade.listingId].toOffer();
            offer.energy += energy - delivered;
            _offers[trade.listingId] = offer.pack();
        }
        Desk storage desk = _desks[deal.offer.meterId];
        (desk.promised, desk.delivered) = (desk.promised + energy, desk.delivered + delivered);
        Outcome outcome = delivered == energy ? Outcome.Complete : (delivered == 0 ? Outcome.Nothing : Outcome.Short);
        emit DeliveryBilled(deal.id, uint128(cost), uint128(paid), uint128(gridFee), uint128(locked - cost));
        emit DeliveryClosed(deal.id, delivered, outcome);

        _credit(gridOperator, gridFee);
        _credit(dustAccount, cost - paid - gridFee);
        _credit(deal.buyer, locked - cost);
    }

    function _isFinal(Deal memory deal, uint40 slot) private view returns (bool) {
        return _isOver(deal.offer.meterId, slot) && _isOver(deal.trade.buyerMeterId, slot);
    }

    /// @dev The accounts of the trade and whoever may trade for its meters.
    function _isParty(Deal memory deal) private view returns (bool) {
        return
            msg.sender == deal.buyer ||
            msg.sender == deal.seller ||
            registry.mayTrade(deal.offer.meterId, msg.sender) ||
            registry.mayTrade(deal.trade.buyerMeterId, msg.sender);
    }

    // -------------------------------------------------------- internal: reading

    function _knownOffer(uint256 listingId) private view returns (Offer memory offer) {
        offer = _offers[listingId].toOffer();
        if (offer.meterId == 0) revert ListingUnknown(listingId);
    }

    function _knownDeal(uint256 deliveryId) private view returns (Deal memory deal) {
        deal.id = deliveryId;
        deal.trade = _trades[deliveryId].toTrade();
        if (deal.trade.energy == 0) revert DeliveryUnknown(deliveryId);
        deal.offer = _offers[deal.trade.listingId].toOffer();
        deal.seller = _sellerOf(deal.offer);
        deal.buyer = registry.ownerIn(deal.trade.buyerMeterId, deal.trade.buyerTenure);
    }

    function _openDeal(uint256 deliveryId) private view returns (Deal memory deal) {
        deal = _knownDeal(deliveryId);
        if (deal.trade.closed) revert DeliveryIsClosed(deliveryId);
    }

    /// @dev The meter's owner when it was listed.
    function _sellerOf(Offer memory offer) private view returns (address) {
        return registry.ownerIn(offer.meterId, offer.tenure);
    }

    function _feeOf(Trade memory trade) private view returns (uint256) {
        unchecked {
            return trade.feeTicks * _tickSize;
        }
    }
}
