// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMeterRegistry} from "../metering/IMeterRegistry.sol";
import {IVault} from "../money/IVault.sol";
import {ITariff} from "../pricing/ITariff.sol";
import {IEnergyToken} from "../token/IEnergyToken.sol";
import {Auction, ICallAuction, NewOrder, Status} from "./ICallAuction.sol";
import {Market} from "./Market.sol";
import {OrderId, OrderIdLib, Side} from "./OrderId.sol";
import {Book, Crossing, Ladder, TickBook} from "./TickBook.sol";

/// @title One uniform price per slot for everybody who wants to trade in it
/// @notice Units, rules and errors stand on ICallAuction. Money of an accepted order, with R = retail − fee:
///
///   bid   lock    = ⌈energy × limit⌉                 at the placement
///         share   = delivered × fill / volume        of the whole slot; an exact fraction, as is the fill of a bid
///         cost    = ⌈share × (price + fee)⌉          after finalization; lock − cost goes back
///         penalty = ⌊penalties × fill / volume⌋      comes on top
///   ask   bond    = ⌈energy × (R − limit)⌉           at the placement
///         money   = ⌊delivered × price⌋              when its meter is final
///         penalty = ⌈(fill − delivered) × (R − price)⌉   out of the bond; the rest of it goes back
///   slot  gridFee = ⌊delivered × fee⌋                at finalization, to the grid operator
///         dust    = Σ cost − Σ money − gridFee + Σ asks' penalties − Σ bids' penalties ≥ 0   with the last bid
///
/// Fills of asks are floored, so Σ fills ≤ volume and what is delivered never exceeds what the buyers lock for: since
/// share ≤ fill ≤ energy and price + fee ≤ limit, cost ≤ lock; since limit ≤ price, penalty ≤ bond; and Σ share =
/// delivered makes Σ cost cover sellers and fee. So each slot pays for itself, in whatever order it is settled.
///
/// Money fits: energy of a slot is below 2³⁹, of a tick below 2³², a price below 2⁴⁸; so all money of a slot is below
/// 2⁸⁰, and no product on the way to it reaches 2¹⁵². Settlement counts without checks on these grounds.
contract CallAuction is ICallAuction, Market {
    using SafeCast for int256;
    using TickBook for Ladder;
    using TickBook for Book;

    /// @dev Tariff and outcome of a slot in one word: written by the first order and by the clearing.
    struct Terms {
        Status status;
        uint8 feedInTick;
        uint8 retailTick;
        uint8 feeTicks;
        uint8 priceTick;
        uint8 askTick; // marginal ticks, and how much of their totals is accepted
        uint8 bidTick;
        uint40 volume;
        uint32 askFilled;
        uint32 askTotal;
        uint32 bidFilled;
        uint32 bidTotal;
    }

    /// @dev What settlement moves, in one word.
    struct Progress {
        uint40 settled; // energy of accepted orders: asks while the slot is cleared, bids once it is finalized
        uint40 delivered;
        uint88 penalties;
        int88 balance; // see Auction.balance
    }

    /// @dev Deleted when it is cancelled or settled: what happened stands in the events.
    struct Order {
        address account;
        uint32 energy;
    }

    /// @dev Meter and slot of the order before in a batch, and the money its account owes (or gets back) so far.
    struct Placing {
        uint32 meterId;
        address account;
        uint256 mostEnergy;
        bool sells;
        uint40 slot;
        Terms terms;
        int256 due;
    }

    /// @dev What an accepted order comes to, see OrderSettled.
    struct Bill {
        uint256 filled;
        uint256 energy;
        uint256 money;
        uint256 fee;
        uint256 penalty;
    }

    /// @dev The slot of the order before in a batch, with its price and grid fee per kWh.
    struct Settling {
        uint40 slot;
        Terms terms;
        Progress progress;
        uint256 price;
        uint256 fee;
    }

    /// @dev Joules in a kWh: power (W) × time (s) × unitsPerKWh / this is energy in units.
    uint256 private constant JOULES_PER_KWH = 3_600_000;
    /// @dev Source of certificates out of a pool, see IEnergyToken.mint.
    uint8 private constant MIXED = type(uint8).max;

    uint40 public immutable gateClosure;
    uint40 public immutable openAhead;
    uint32 public immutable minOrder;
    uint256 private immutable _minPrice;

    mapping(uint40 slot => Terms) private _terms;
    mapping(uint40 slot => Progress) private _progress;
    mapping(uint40 slot => Book) private _books;
    mapping(OrderId orderId => Order) private _orders;

    /// @param gateClosure_ Seconds before a slot's start; at least 1, so that a slot can be cleared.
    /// @param openAhead_ Slots ahead of the current one; the gate of the last one must be open at some time.
    /// @param minOrder_ Energy units, at least 1.
    constructor(
        address authority,
        IMeterRegistry registry_,
        IVault vault_,
        ITariff tariff_,
        IEnergyToken energyToken_,
        address gridOperator_,
        address dustAccount_,
        uint40 gateClosure_,
        uint40 openAhead_,
        uint32 minOrder_
    ) Market(authority, registry_, vault_, tariff_, energyToken_, gridOperator_, dustAccount_) {
        uint256 slotDuration = registry_.slotDuration();
        if (gateClosure_ == 0 || minOrder_ == 0 || openAhead_ == 0) revert TimesOutOfRange();
        if (gateClosure_ >= openAhead_ * slotDuration || openAhead_ * slotDuration > 365 days) revert TimesOutOfRange();
        gateClosure = gateClosure_;
        openAhead = openAhead_;
        minOrder = minOrder_;
        _minPrice = tariff_.minPrice();
    }

    // ------------------------------------------------------------------ orders

    /// @inheritdoc ICallAuction
    function placeOrders(NewOrder[] calldata orders) external whenNotPaused nonReentrant {
        Placing memory batch;
        for (uint256 i = 0; i < orders.length; i++) _place(orders[i], batch);
        _collect(batch);
    }

    /// @inheritdoc ICallAuction
    function cancelOrders(OrderId[] calldata orderIds) external nonReentrant {
        for (uint256 i = 0; i < orderIds.length; i++) _cancel(orderIds[i]);
    }

    // ---------------------------------------------------------------- clearing

    /// @inheritdoc ICallAuction
    function clear(uint40 slot) external nonReentrant returns (uint64 price, uint64 volume) {
        Terms memory terms = _terms[slot];
        if (terms.status != Status.Open) revert NotOpen(slot, terms.status);
        uint256 start = _startOf(slot);
        if (block.timestamp < start - gateClosure || block.timestamp > start) {
            revert ClearingNotDue(slot, start - gateClosure, start);
        }

        Crossing memory crossing = _books[slot].cross(terms.feedInTick, terms.retailTick - terms.feeTicks);
        terms.status = Status.Cleared;
        if (crossing.volume != 0) {
            terms.volume = crossing.volume;
            terms.priceTick = crossing.priceTick;
            (terms.askTick, terms.bidTick) = (crossing.askTick, crossing.bidTick);
            (terms.askFilled, terms.askTotal) = (crossing.askFilled, crossing.askTotal);
            (terms.bidFilled, terms.bidTotal) = (crossing.bidFilled, crossing.bidTotal);
            price = uint64(_priceOf(terms.priceTick));
            volume = terms.volume;
        }
        _terms[slot] = terms;
        emit SlotCleared(slot, price, uint64(_feeOf(terms)), volume);
    }

    // -------------------------------------------------------------- settlement

    /// @inheritdoc ICallAuction
    function settle(OrderId[] calldata orderIds) external nonReentrant {
        Settling memory batch;
        for (uint256 i = 0; i < orderIds.length; i++) _settle(orderIds[i], batch);
        _store(batch);
    }

    /// @inheritdoc ICallAuction
    function finalize(uint40 slot) external nonReentrant {
        Settling memory batch;
        _load(slot, batch);
        if (!_isFinalizable(batch)) {
            uint256 openAsks = _openAsks(batch.terms, batch.progress);
            revert NotFinalizable(slot, batch.terms.status, openAsks, _voidAfter(slot));
        }
        _finalize(batch);
        _store(batch);
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc ICallAuction
    function orderId(uint40 slot, uint32 meterId, Side side, uint8 tick) external pure returns (OrderId) {
        return OrderIdLib.pack(slot, meterId, side, tick);
    }

    /// @inheritdoc ICallAuction
    function orderOf(OrderId id) external view returns (address account, uint32 energy) {
        Order memory order = _orders[id];
        return (order.account, order.energy);
    }

    /// @inheritdoc ICallAuction
    function auctionOf(uint40 slot) external view returns (Auction memory) {
        Terms memory terms = _terms[slot];
        Progress memory progress = _progress[slot];
        bool isVoid = terms.status == Status.Open && block.timestamp > _startOf(slot);
        return
            Auction({
                status: isVoid ? Status.Void : terms.status,
                feedInTick: terms.feedInTick,
                retailTick: terms.retailTick,
                feeTicks: terms.feeTicks,
                price: terms.volume == 0 ? 0 : uint64(_priceOf(terms.priceTick)),
                gridFee: uint64(_feeOf(terms)),
                volume: terms.volume,
                openAsks: _openAsks(terms, progress),
                openBids: terms.status == Status.Finalized ? _acceptedBids(terms) - progress.settled : 0,
                delivered: progress.delivered,
                penalties: progress.penalties,
                balance: progress.balance
            });
    }

    /// @inheritdoc ICallAuction
    function fillOf(OrderId id) external view returns (uint32 filled) {
        Order memory order = _orders[id];
        if (order.account == address(0)) return 0;
        Terms memory terms = _terms[id.slot()];
        if (_isAccepted(id, terms)) filled = _fillOf(id, order.energy, terms);
    }

    /// @inheritdoc ICallAuction
    function depth(uint40 slot) external view returns (uint64[128] memory bids, uint64[128] memory asks) {
        Book storage book = _books[slot];
        for (uint256 tick = 0; tick < TickBook.TICKS; tick++) {
            bids[tick] = uint64(book.bids.totalAt(tick));
            asks[tick] = uint64(book.asks.totalAt(tick));
        }
    }

    // ---------------------------------------------------------- internal: orders

    function _place(NewOrder calldata order, Placing memory batch) private {
        if (batch.account == address(0) || order.meterId != batch.meterId) _admit(order.meterId, batch);
        Terms memory terms = batch.terms;
        if (terms.status == Status.None || order.slot != batch.slot) {
            terms = _openTerms(order.slot);
            (batch.slot, batch.terms) = (order.slot, terms);
        }
        (uint8 tick, uint32 energy) = (order.tick, order.energy);
        if (energy < minOrder || energy > batch.mostEnergy) {
            revert EnergyOutOfRange(energy, minOrder, batch.mostEnergy);
        }
        if (order.side == Side.Ask && !batch.sells) revert MeterOnlyBuys(order.meterId);
        _checkTick(order.side, tick, terms);

        OrderId id = OrderIdLib.pack(order.slot, order.meterId, order.side, tick);
        address account = batch.account;
        Order memory replaced = _orders[id];
        if (replaced.account != address(0) && replaced.account != account) {
            revert NotYourOrder(id, replaced.account);
        }
        _orders[id] = Order(account, energy);
        _replaceInBook(id, terms, replaced.energy, energy);

        uint256 locked = _lockOf(id, energy, terms);
        batch.due += int256(locked);
        if (replaced.energy != 0) batch.due -= int256(_lockOf(id, replaced.energy, terms));
        emit OrderPlaced(id, account, order.slot, energy, uint128(locked));
    }

    /// @dev Goes over to another meter of the batch, and to its owner's money.
    function _admit(uint32 meterId, Placing memory batch) private {
        (address owner, , uint32 maxPowerW, bool sells) = _admitted(meterId);
        if (owner != batch.account) _collect(batch);
        batch.meterId = meterId;
        batch.account = owner;
        batch.sells = sells;
        batch.mostEnergy = (maxPowerW * _slotDuration * _unitsPerKWh) / JOULES_PER_KWH;
    }

    /// @dev Moves what the orders of an account cost together.
    function _collect(Placing memory batch) private {
        int256 due = batch.due;
        batch.due = 0;
        if (due > 0) vault.lock(batch.account, uint256(due));
        if (due < 0) vault.credit(batch.account, uint256(-due));
    }

    /// @dev Tariff of a slot that takes orders; the slot's first order fixes it.
    function _openTerms(uint40 slot) private returns (Terms memory terms) {
        uint256 latest = _currentSlot() + openAhead;
        if (slot > latest) revert SlotTooFar(slot, latest);
        _checkGate(slot);
        terms = _terms[slot];
        if (terms.status != Status.None) return terms;

        (uint64 feedIn, uint64 retail, uint64 gridFee) = tariff.tariffAt(slot);
        terms.status = Status.Open;
        terms.feedInTick = uint8((feedIn - _minPrice) / _tickSize);
        terms.retailTick = uint8((retail - _minPrice) / _tickSize);
        terms.feeTicks = uint8(gridFee / _tickSize);
        _terms[slot] = terms;
        emit SlotOpened(slot, feedIn, retail, gridFee);
    }

    function _cancel(OrderId id) private {
        Order memory order = _orders[id];
        if (order.account == address(0)) revert OrderUnknown(id);
        uint40 slot = id.slot();
        _checkGate(slot);
        if (msg.sender != order.account) {
            uint32 meterId = id.meterId();
            bool trades = registry.ownerOf(meterId) == order.account && registry.mayTrade(meterId, msg.sender);
            if (!trades) revert NotYourOrder(id, order.account);
        }
        Terms memory terms = _terms[slot];
        delete _orders[id];
        _replaceInBook(id, terms, order.energy, 0);
        uint256 locked = _lockOf(id, order.energy, terms);
        emit OrderCancelled(id, order.account, slot, uint128(locked));
        _credit(order.account, locked);
    }

    function _replaceInBook(OrderId id, Terms memory terms, uint256 removed, uint256 added) private {
        Book storage book = _books[id.slot()];
        (id.isBid() ? book.bids : book.asks).replace(_levelOf(id, terms), removed, added);
    }

    /// @dev Orders are taken and given back before the gate of the slot closes.
    function _checkGate(uint40 slot) private view {
        uint256 start = _startOf(slot);
        if (block.timestamp + gateClosure >= start)
            revert GateClosed(slot, start < gateClosure ? 0 : start - gateClosure);
    }

    /// @dev Seller's price ≥ feed-in and buyer's price ≤ retail, so that the clearing price lies between them.
    function _checkTick(Side side, uint8 tick, Terms memory terms) private pure {
        uint256 fee = terms.feeTicks;
        (uint256 lowest, uint256 highest) = (terms.feedInTick, terms.retailTick);
        if (side == Side.Bid) lowest += fee;
        else highest -= fee;
        if (tick < lowest || tick > highest) revert TickOutOfRange(tick, lowest, highest);
    }

    // ------------------------------------------------------ internal: settlement

    function _settle(OrderId id, Settling memory batch) private {
        Order memory order = _orders[id];
        if (order.account == address(0)) return;
        if (batch.terms.status == Status.None || id.slot() != batch.slot) {
            _store(batch);
            _load(id.slot(), batch);
        }
        Terms memory terms = batch.terms;
        if (terms.status == Status.Open) {
            if (block.timestamp > _startOf(batch.slot)) _release(id, order, terms);
        } else if (!_isAccepted(id, terms)) {
            _release(id, order, terms);
        } else {
            // Nobody has to call `finalize`.
            bool asksAreDone = terms.status == Status.Finalized || _isFinalizable(batch);
            if (terms.status == Status.Cleared && asksAreDone) _finalize(batch);
            if (id.isBid()) {
                if (asksAreDone) _settleBid(id, order, batch);
            } else if (asksAreDone) {
                _release(id, order, terms);
            } else {
                _settleAsk(id, order, batch);
            }
        }
    }

    /// @dev Gives the whole lock of an order without effect back.
    function _release(OrderId id, Order memory order, Terms memory terms) private {
        delete _orders[id];
        Bill memory nothing;
        _emitSettled(id, order.account, nothing);
        _credit(order.account, _lockOf(id, order.energy, terms));
    }

    /// @dev Claims what the seller's meter has exported for the fill and pays for it.
    function _settleAsk(OrderId id, Order memory order, Settling memory batch) private {
        uint32 filled = _fillOf(id, order.energy, batch.terms);
        if (filled != 0 && !registry.isFinal(id.meterId(), batch.slot)) return;

        delete _orders[id];
        Bill memory bill;
        bill.filled = filled;
        if (filled != 0) bill.energy = registry.claimExport(id.meterId(), batch.slot, filled);
        Progress memory progress = batch.progress;
        // Money fits, see above; the bond covers the penalty, for limit ≤ price.
        unchecked {
            bill.money = _moneyDown(bill.energy, batch.price);
            uint256 forgone = _priceOf(batch.terms.retailTick) - batch.fee - batch.price;
            bill.penalty = _moneyUp(filled - bill.energy, forgone);
            progress.settled += order.energy;
            progress.delivered += uint40(bill.energy);
            progress.penalties += uint88(bill.penalty);
            progress.balance += int88(int256(bill.penalty) - int256(bill.money));
            _emitSettled(id, order.account, bill);
            _credit(order.account, _lockOf(id, order.energy, batch.terms) + bill.money - bill.penalty);
        }
    }

    /// @dev Charges the buyer for its share of what was delivered, and gives it its certificates.
    function _settleBid(OrderId id, Order memory order, Settling memory batch) private {
        Progress memory progress = batch.progress;
        Bill memory bill = _billOf(id, order.energy, batch);

        delete _orders[id];
        // Money fits, see above; the lock covers the money, for price + fee ≤ limit.
        unchecked {
            progress.settled += order.energy;
            progress.balance += int88(int256(bill.money) - int256(bill.penalty));
            _emitSettled(id, order.account, bill);
            _credit(order.account, _lockOf(id, order.energy, batch.terms) - bill.money + bill.penalty);
        }
        if (progress.settled == _acceptedBids(batch.terms)) _close(batch);
        energyToken.mint(order.account, batch.slot, MIXED, bill.energy);
    }

    /// @dev Share = delivered × weight / sum, without rounding.
    function _billOf(OrderId id, uint256 energy, Settling memory batch) private view returns (Bill memory bill) {
        (uint256 weight, uint256 whole) = _rationOf(id, batch.terms);
        // Money fits, see above.
        unchecked {
            weight *= energy;
            bill.filled = weight / whole;
            uint256 sum = batch.terms.volume * whole;
            bill.penalty = (batch.progress.penalties * weight) / sum;
            uint256 share = batch.progress.delivered * weight;
            bill.energy = share / sum;
            sum *= _unitsPerKWh;
            bill.money = _divUp(share * (batch.price + batch.fee), sum);
            bill.fee = (share * batch.fee) / sum;
        }
    }

    function _emitSettled(OrderId id, address account, Bill memory bill) private {
        emit OrderSettled(
            id,
            account,
            id.slot(),
            uint32(bill.filled),
            uint32(bill.energy),
            uint128(bill.money),
            uint128(bill.fee),
            uint128(bill.penalty)
        );
    }

    function _isFinalizable(Settling memory batch) private view returns (bool) {
        if (batch.terms.status != Status.Cleared) return false;
        return _openAsks(batch.terms, batch.progress) == 0 || block.timestamp > _voidAfter(batch.slot);
    }

    /// @dev From here on nothing is delivered any more, and the accepted bids are what is open.
    function _finalize(Settling memory batch) private {
        Terms memory terms = batch.terms;
        Progress memory progress = batch.progress;
        uint256 gridFee = _moneyDown(progress.delivered, batch.fee);
        terms.status = Status.Finalized;
        progress.settled = 0;
        progress.balance -= int256(gridFee).toInt88();
        // Settlement changes nothing else of the terms.
        _terms[batch.slot].status = Status.Finalized;
        emit SlotFinalized(batch.slot, progress.delivered, progress.penalties, uint128(gridFee));
        _credit(gridOperator, gridFee);
    }

    /// @dev All accepted orders are settled: what is left of the slot's money came from rounding.
    function _close(Settling memory batch) private {
        uint256 dust = int256(batch.progress.balance).toUint256();
        batch.progress.balance = 0;
        emit SlotClosed(batch.slot, uint128(dust));
        _credit(dustAccount, dust);
    }

    function _load(uint40 slot, Settling memory batch) private view {
        Terms memory terms = _terms[slot];
        (batch.slot, batch.terms, batch.progress) = (slot, terms, _progress[slot]);
        (batch.price, batch.fee) = (_priceOf(terms.priceTick), _feeOf(terms));
    }

    function _store(Settling memory batch) private {
        if (batch.terms.status != Status.None) _progress[batch.slot] = batch.progress;
    }

    // ------------------------------------------------------------ internal: rules

    /// @dev The tick at which an order competes: the seller's price, the grid fee taken off a bid's limit.
    function _levelOf(OrderId id, Terms memory terms) private pure returns (uint256) {
        return id.isBid() ? id.tick() - terms.feeTicks : id.tick();
    }

    function _isAccepted(OrderId id, Terms memory terms) private pure returns (bool) {
        if (terms.volume == 0) return false;
        uint256 level = _levelOf(id, terms);
        return id.isBid() ? level >= terms.bidTick : level <= terms.askTick;
    }

    /// @dev Accepted asks to settle: all of those at the marginal tick count, the part of it that is left out included.
    function _openAsks(Terms memory terms, Progress memory progress) private pure returns (uint40) {
        if (terms.status != Status.Cleared) return 0;
        return terms.volume - terms.askFilled + terms.askTotal - progress.settled;
    }

    /// @dev Accepted bids, settled or not.
    function _acceptedBids(Terms memory terms) private pure returns (uint40) {
        return terms.volume - terms.bidFilled + terms.bidTotal;
    }

    /// @dev The part of an accepted order that is filled: pro rata at the marginal tick, whole at a better one.
    function _rationOf(OrderId id, Terms memory terms) private pure returns (uint256 part, uint256 whole) {
        uint256 level = _levelOf(id, terms);
        if (id.isBid()) {
            return level == terms.bidTick ? (uint256(terms.bidFilled), uint256(terms.bidTotal)) : (1, 1);
        }
        return level == terms.askTick ? (uint256(terms.askFilled), uint256(terms.askTotal)) : (1, 1);
    }

    function _fillOf(OrderId id, uint256 energy, Terms memory terms) private pure returns (uint32) {
        (uint256 part, uint256 whole) = _rationOf(id, terms);
        unchecked {
            return uint32((energy * part) / whole);
        }
    }

    /// @dev What an order locks: a bid its limit, an ask what a buyer could lose by a seller who delivers nothing.
    function _lockOf(OrderId id, uint256 energy, Terms memory terms) private view returns (uint256) {
        // Money fits, and an ask's limit was checked.
        unchecked {
            uint256 limit = _priceOf(id.tick());
            uint256 perKWh = id.isBid() ? limit : _priceOf(terms.retailTick) - _feeOf(terms) - limit;
            return _moneyUp(energy, perKWh);
        }
    }

    /// @dev Below 2⁴⁸ for every tick, as the tariff makes sure.
    function _priceOf(uint256 tick) private view returns (uint256) {
        unchecked {
            return _minPrice + tick * _tickSize;
        }
    }

    function _feeOf(Terms memory terms) private view returns (uint256) {
        unchecked {
            return terms.feeTicks * _tickSize;
        }
    }

    /// @dev Asks that are still open after this can no longer claim what was exported.
    function _voidAfter(uint40 slot) private view returns (uint256) {
        return _endOf(slot) + _claimWindow;
    }
}
