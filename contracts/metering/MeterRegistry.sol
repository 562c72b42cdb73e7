// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ERC7913P256Verifier} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IMeterRegistry, Kind, MeterInfo, Reading, Rejection} from "./IMeterRegistry.sol";
import {ReadingHash} from "./ReadingHash.sol";
import {Booking, Meter, MeterWord, Sum, Totals} from "./Words.sol";

/// @title Who measures, and what was measured
/// @notice Units, rules and errors stand on IMeterRegistry.
/// @dev The registry is itself the one verifier (ERC-7913) that P-256 signers may name: a check costs no call to another
/// contract, and no code but this one and the precompiles ever runs on a signature.
contract MeterRegistry is IMeterRegistry, IERC5267, ERC7913P256Verifier, AccessManaged {
    using ReadingHash for Reading;

    /// @dev Who a meter belongs to and what it may trade; the first five in one word. The rated power stands in the
    /// meter's word as well: trading reads this one, readings that one.
    struct Party {
        address owner;
        uint16 tenure;
        bool active;
        Kind kind;
        uint32 maxPowerW;
        address trader;
        address pendingOwner;
    }

    /// @dev The key of one epoch and the first slot whose readings it signs: the address of a secp256k1 key, or this
    /// registry and a point of P-256.
    struct Signer {
        address account;
        uint40 fromSlot;
        bytes32 x;
        bytes32 y;
    }

    /// @dev What consecutive readings of a batch share: the meter with its newest key, and the totals of a slot. Read
    /// before the first of them, written after the last.
    struct Batch {
        uint32 meterId;
        Meter meter;
        bytes32 separator; // of the domain, see EIP-712
        address account; // of the newest key, see Signer
        uint40 fromSlot;
        Sum sum; // where `totals` belong, Nowhere before the first
        uint40 slot;
        Totals totals;
    }

    /// @dev One word, and a pointer to it.
    struct Place {
        Booking booking;
    }

    bytes32 private constant POSSESSION_TYPEHASH = keccak256("Possession(address owner)");
    bytes32 private constant ROTATION_TYPEHASH = keccak256(
        "Rotation(uint32 meterId,uint16 epoch,uint40 fromSlot,bytes32 signerHash)"
    );
    string private constant NAME = "IoE MeterRegistry";
    string private constant VERSION = "1";
    /// @dev ERC-5267: name, version, chainId, verifyingContract and salt.
    bytes1 private constant DOMAIN_FIELDS = hex"1f";
    /// @dev A meter may exceed its rated power by this factor, in percent, before a step is implausible.
    uint256 private constant PLAUSIBLE_PERCENT = 110;
    /// @dev What may get lost between the meters and the common connection point, in percent of what is fed in.
    uint256 private constant LOSSES_PERCENT = 5;
    /// @dev Largest error of class A of EN 50470-3, the coarsest that may bill, in percent of what a meter shows.
    uint256 private constant METER_ERROR_PERCENT = 2;

    uint40 public immutable slotDuration;
    uint40 public immutable grace;
    uint40 public immutable claimWindow;
    uint32 public immutable unitsPerKWh;
    /// @notice Slots for which bookings are kept; the claim window fits into them.
    uint256 public immutable ringSlots;
    bytes32 private immutable _salt;
    bytes32 private immutable _domainSeparator;
    uint256 private immutable _chainId;

    uint32 public meterCount;
    uint32 public activeMeters;
    uint32 public activeFeeders;
    uint40 public activeSince;
    /// @dev Sum of the resolutions of all active meters, those of kind Grid included.
    uint64 private _activeResolution;
    mapping(uint32 meterId => Party) private _parties;
    /// @dev Whose a meter was before its present owner.
    mapping(uint32 meterId => mapping(uint16 tenure => address)) private _formerOwners;
    mapping(uint32 meterId => Meter) private _meters;
    mapping(uint32 meterId => mapping(uint16 epoch => Signer)) private _signers;
    /// @dev By `_placeOf`: each meter has a ring of `ringSlots`; a booking tells which slot it is of.
    mapping(uint256 index => Place) private _ring;
    mapping(Sum sum => mapping(uint40 slot => Totals)) private _totals;
    mapping(bytes32 signerHash => uint32 meterId) private _meterOfSigner;
    mapping(address market => bool) public isMarket;

    modifier onlyMarket() {
        if (!isMarket[msg.sender]) revert NotMarket(msg.sender);
        _;
    }

    modifier onlyMeterOwner(uint32 meterId) {
        if (ownerOf(meterId) != msg.sender) revert NotMeterOwner(meterId, msg.sender);
        _;
    }

    /// @param authority AccessManager that knows the operator.
    /// @param slotDuration_ D in seconds, 1 to 86_400.
    /// @param grace_ Seconds after a slot's end within which readings are booked, at least 1 slot.
    /// @param claimWindow_ Seconds after a slot's end within which bookings can be claimed; above the grace.
    /// @param unitsPerKWh_ 1_000 or 1_000_000.
    /// @param salt Random per community: a signature for one deployment is worthless in any other.
    constructor(
        address authority,
        uint40 slotDuration_,
        uint40 grace_,
        uint40 claimWindow_,
        uint32 unitsPerKWh_,
        bytes32 salt
    ) AccessManaged(authority) {
        bool unitsKnown = unitsPerKWh_ == 1_000 || unitsPerKWh_ == 1_000_000;
        if (slotDuration_ == 0 || slotDuration_ > 1 days || !unitsKnown) revert TimesOutOfRange();
        if (grace_ < slotDuration_ || claimWindow_ <= grace_ || claimWindow_ > 365 days) revert TimesOutOfRange();
        slotDuration = slotDuration_;
        grace = grace_;
        claimWindow = claimWindow_;
        unitsPerKWh = unitsPerKWh_;
        ringSlots = claimWindow_ / slotDuration_ + 2;
        _salt = salt;
        _chainId = block.chainid;
        _domainSeparator = _buildDomainSeparator();
    }

    // ------------------------------------------------------------------ meters

    /// @inheritdoc IMeterRegistry
    function register(
        address owner,
        Kind kind,
        uint32 maxPowerW,
        uint32 resolution,
        bytes calldata signer,
        bytes calldata possession
    ) external restricted returns (uint32 meterId) {
        if (owner == address(0)) revert ZeroAddress();
        if (resolution == 0) revert ZeroResolution();
        uint256 largest = _largestPowerW();
        if (maxPowerW == 0 || maxPowerW > largest) revert PowerOutOfRange(maxPowerW, largest);

        meterId = ++meterCount;
        _setSigner(meterId, 0, 0, owner, signer, possession);
        Party storage party = _parties[meterId];
        (party.owner, party.active, party.kind, party.maxPowerW) = (owner, true, kind, maxPowerW);
        _meters[meterId] = _withSum(MeterWord.pack(maxPowerW, resolution), kind, true);
        emit MeterRegistered(meterId, owner, kind, maxPowerW, resolution, signer);
    }

    /// @inheritdoc IMeterRegistry
    function rotateSigner(
        uint32 meterId,
        uint40 fromSlot,
        bytes calldata signer,
        bytes calldata possession,
        bytes calldata authorization
    ) external {
        ownerOf(meterId);
        Meter meter = _meters[meterId];
        uint16 epoch = meter.epoch();
        Signer storage current = _signers[meterId][epoch];
        if (authorization.length == 0) {
            _checkCanCall(msg.sender, msg.data);
        } else {
            bytes32 structHash = keccak256(abi.encode(ROTATION_TYPEHASH, meterId, epoch, fromSlot, keccak256(signer)));
            if (!_isSigned(_digest(structHash), authorization, current)) revert BadAuthorization(meterId);
        }
        _checkRotation(meterId, epoch, fromSlot, current.fromSlot);

        epoch++;
        _meters[meterId] = meter.withEpoch(epoch);
        _setSigner(meterId, epoch, fromSlot, ownerOf(meterId), signer, possession);
        emit SignerRotated(meterId, epoch, fromSlot, signer);
    }

    /// @inheritdoc IMeterRegistry
    function transferMeter(uint32 meterId, address to) external onlyMeterOwner(meterId) {
        _parties[meterId].pendingOwner = to;
        emit MeterTransferStarted(meterId, msg.sender, to);
    }

    /// @inheritdoc IMeterRegistry
    function acceptMeter(uint32 meterId) external {
        Party storage party = _parties[meterId];
        if (party.pendingOwner != msg.sender) revert NotPendingOwner(meterId, msg.sender);
        address from = party.owner;
        _formerOwners[meterId][party.tenure++] = from;
        party.owner = msg.sender;
        party.pendingOwner = address(0);
        party.trader = address(0);
        emit MeterTransferred(meterId, from, msg.sender);
    }

    /// @inheritdoc IMeterRegistry
    function setTrader(uint32 meterId, address trader) external onlyMeterOwner(meterId) {
        _parties[meterId].trader = trader;
        emit TraderSet(meterId, trader);
    }

    /// @inheritdoc IMeterRegistry
    function setActive(uint32 meterId, bool active) external restricted {
        ownerOf(meterId);
        Party storage party = _parties[meterId];
        if (party.active == active) return;
        party.active = active;
        _meters[meterId] = _withSum(_meters[meterId], party.kind, active);
        emit ActiveSet(meterId, active);
    }

    /// @inheritdoc IMeterRegistry
    function addMarket(address market) external restricted {
        if (market == address(0)) revert ZeroAddress();
        isMarket[market] = true;
        emit MarketAdded(market);
    }

    // ---------------------------------------------------------------- readings

    /// @inheritdoc IMeterRegistry
    function report(Reading[] calldata readings, bytes[] calldata signatures) external returns (uint256 accepted) {
        if (readings.length != signatures.length) revert LengthMismatch(readings.length, signatures.length);
        Batch memory batch;
        batch.separator = _separator();
        for (uint256 i = 0; i < readings.length; i++) {
            Reading calldata reading = readings[i];
            if (reading.meterId != batch.meterId) {
                _storeMeter(batch);
                _loadMeter(reading.meterId, batch);
            }
            if (_take(reading, signatures[i], batch)) {
                unchecked {
                    accepted++;
                }
            }
        }
        _storeMeter(batch);
        _storeTotals(batch);
    }

    /// @inheritdoc IMeterRegistry
    function reconcile(uint40 slot) external returns (bool balanced) {
        if (activeFeeders == 0) revert NoFeeder();
        if (activeSince > endOf(slot) - slotDuration) revert MetersChanged(slot, activeSince);
        Totals zone = _totals[Sum.Zone][slot];
        Totals feeder = _totals[Sum.Feeder][slot];
        uint32 complete = zone.completeMeters() + feeder.completeMeters();
        if (complete != activeMeters + activeFeeders)
            revert SlotIncomplete(slot, complete, activeMeters + activeFeeders);

        int256 expected = int256(uint256(zone.imported())) - int256(uint256(zone.exported()));
        int256 measured = int256(uint256(feeder.imported())) - int256(uint256(feeder.exported()));
        uint256 fedIn = uint256(zone.exported()) + feeder.imported();
        uint256 shown = fedIn + zone.imported() + feeder.exported();
        int256 losses = int256((fedIn * LOSSES_PERCENT) / 100);
        // Each register of a meter is floored at both ends of the slot.
        int256 tolerance = int256((shown * METER_ERROR_PERCENT) / 100 + 2 * uint256(_activeResolution));
        balanced = measured >= expected - tolerance && measured <= expected + losses + tolerance;
        if (!balanced) emit FeederMismatch(slot, expected, measured);
    }

    /// @inheritdoc IMeterRegistry
    function claimExport(uint32 meterId, uint40 slot, uint32 amount) external onlyMarket returns (uint32 claimed) {
        Booking booking = _claimable(meterId, slot);
        uint32 left = booking.exportLeft();
        claimed = amount < left ? amount : left;
        if (claimed != 0) _placeOf(meterId, slot).booking = booking.claimExport(claimed);
    }

    /// @inheritdoc IMeterRegistry
    function claimImport(uint32 meterId, uint40 slot, uint32 amount) external onlyMarket returns (uint32 claimed) {
        Booking booking = _claimable(meterId, slot);
        uint32 left = booking.importLeft();
        claimed = amount < left ? amount : left;
        if (claimed != 0) _placeOf(meterId, slot).booking = booking.claimImport(claimed);
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc IMeterRegistry
    function energyIn(
        uint32 meterId,
        uint40 slot
    ) external view returns (uint32 exported, uint32 imported, bool complete) {
        Booking booking = _bookingOf(meterId, slot);
        return (booking.exported(), booking.imported(), booking.covered() == slotDuration);
    }

    /// @inheritdoc IMeterRegistry
    function unclaimedIn(uint32 meterId, uint40 slot) external view returns (uint32 exported, uint32 imported) {
        Booking booking = _bookingOf(meterId, slot);
        return (booking.exportLeft(), booking.importLeft());
    }

    /// @inheritdoc IMeterRegistry
    function isFinal(uint32 meterId, uint40 slot) external view returns (bool) {
        uint40 end = endOf(slot);
        return _meters[meterId].lastTakenAt() >= end || block.timestamp > end + grace;
    }

    /// @inheritdoc IMeterRegistry
    function totalsIn(uint40 slot) external view returns (uint64 exported, uint64 imported, uint32 completeMeters) {
        return _sums(Sum.Zone, slot);
    }

    /// @inheritdoc IMeterRegistry
    function feederIn(uint40 slot) external view returns (uint64 exported, uint64 imported, uint32 completeMeters) {
        return _sums(Sum.Feeder, slot);
    }

    /// @inheritdoc IMeterRegistry
    function meterOf(uint32 meterId) external view returns (MeterInfo memory) {
        Party memory party = _parties[meterId];
        if (party.owner == address(0)) revert UnknownMeter(meterId);
        Meter meter = _meters[meterId];
        return
            MeterInfo({
                owner: party.owner,
                trader: party.trader,
                kind: party.kind,
                active: party.active,
                maxPowerW: meter.maxPowerW(),
                resolution: meter.resolution(),
                epoch: meter.epoch(),
                epochFromSlot: _signers[meterId][meter.epoch()].fromSlot,
                lastTakenAt: meter.lastTakenAt(),
                imported: meter.imported(),
                exported: meter.exported()
            });
    }

    /// @inheritdoc IMeterRegistry
    function standingOf(
        uint32 meterId
    ) external view returns (address owner, bool active, uint16 tenure, uint32 maxPowerW, Kind kind) {
        Party storage party = _parties[meterId];
        (owner, active, tenure) = (party.owner, party.active, party.tenure);
        (maxPowerW, kind) = (party.maxPowerW, party.kind);
        if (owner == address(0)) revert UnknownMeter(meterId);
    }

    /// @inheritdoc IMeterRegistry
    function ownerIn(uint32 meterId, uint16 tenure) external view returns (address) {
        Party storage party = _parties[meterId];
        return tenure == party.tenure ? party.owner : _formerOwners[meterId][tenure];
    }

    /// @inheritdoc IMeterRegistry
    function mayTrade(uint32 meterId, address account) external view returns (bool) {
        if (account == address(0)) return false;
        Party storage party = _parties[meterId];
        return account == party.owner || account == party.trader;
    }

    /// @inheritdoc IMeterRegistry
    function kindOf(uint32 meterId) external view returns (Kind) {
        ownerOf(meterId);
        return _parties[meterId].kind;
    }

    /// @inheritdoc IMeterRegistry
    function maxPowerOf(uint32 meterId) external view returns (uint32) {
        ownerOf(meterId);
        return _parties[meterId].maxPowerW;
    }

    /// @inheritdoc IMeterRegistry
    function ownerOf(uint32 meterId) public view returns (address owner) {
        owner = _parties[meterId].owner;
        if (owner == address(0)) revert UnknownMeter(meterId);
    }

    /// @inheritdoc IMeterRegistry
    function signerOf(uint32 meterId, uint16 epoch) external view returns (bytes memory) {
        Signer memory signer = _signers[meterId][epoch];
        if (signer.account == address(0)) return "";
        if (signer.account != address(this)) return abi.encodePacked(signer.account);
        return abi.encodePacked(signer.account, signer.x, signer.y);
    }

    /// @inheritdoc IMeterRegistry
    function slotOf(uint256 timestamp) public view returns (uint40) {
        unchecked {
            return timestamp == 0 ? 0 : uint40((timestamp - 1) / slotDuration);
        }
    }

    /// @inheritdoc IMeterRegistry
    function currentSlot() public view returns (uint40) {
        return slotOf(block.timestamp);
    }

    /// @inheritdoc IMeterRegistry
    function endOf(uint40 slot) public view returns (uint40) {
        return (slot + 1) * slotDuration;
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (DOMAIN_FIELDS, NAME, VERSION, block.chainid, address(this), _salt, new uint256[](0));
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks one reading of the batch's meter, then moves the registers and books the energy.
    function _take(Reading calldata reading, bytes calldata signature, Batch memory batch) private returns (bool) {
        Meter meter = batch.meter;
        (uint40 since, uint40 takenAt) = (reading.since, reading.takenAt);
        if (Meter.unwrap(meter) == 0) return _reject(reading, Rejection.UnknownMeter);
        if (takenAt > block.timestamp) return _reject(reading, Rejection.InFuture);
        if (takenAt <= meter.lastTakenAt()) return _reject(reading, Rejection.NotNewer);
        if (since != meter.lastTakenAt() && since != 0) return _reject(reading, Rejection.OutOfOrder);

        uint40 slot;
        unchecked {
            slot = uint40((uint256(takenAt) - 1) / slotDuration); // `slotOf`; what is newer than another is not 0
        }
        uint16 epoch = meter.epoch();
        address account = batch.account;
        // Before the newest key's first slot, the key of the epoch before it signs; the first key signs from slot 0.
        if (slot < batch.fromSlot) account = _signers[batch.meterId][--epoch].account;
        if (reading.epoch != epoch) return _reject(reading, Rejection.WrongEpoch);
        bytes32 digest = MessageHashUtils.toTypedDataHash(batch.separator, reading.hash());
        bool signed =
            account == address(this)
                ? _isSignedByElement(digest, signature, _signers[batch.meterId][epoch])
                : _isSignedBy(digest, signature, account);
        if (!signed) return _reject(reading, Rejection.BadSignature);

        _accept(reading, batch, slot, takenAt, since == 0);
        return true;
    }

    /// @dev Moves the meter's registers, which sets a new baseline when the reading is not a plausible next step.
    function _accept(Reading calldata reading, Batch memory batch, uint40 slot, uint40 takenAt, bool restarts) private {
        Meter meter = batch.meter;
        (uint64 imported, uint64 exported) = (reading.imported, reading.exported);
        batch.meter = meter.moved(takenAt, imported, exported);
        emit ReadingAccepted(batch.meterId, slot, takenAt, imported, exported);

        // Registers never go back (that wraps around, above any limit), and never rise faster than the meter's rated
        // power with a reserve, plus one step.
        unchecked {
            uint256 since = meter.lastTakenAt();
            uint256 most = _mostIn(meter.maxPowerW(), takenAt - since) + meter.resolution();
            uint256 importedBy = uint256(imported) - meter.imported();
            uint256 exportedBy = uint256(exported) - meter.exported();
            if (restarts || importedBy > most || exportedBy > most) {
                emit Rebased(batch.meterId, takenAt, imported, exported);
            } else {
                _book(batch, since, slot, exportedBy, importedBy);
            }
        }
    }

    /// @dev Books what the batch's meter moved since its reading before to the slot and to its totals, if all of it lies
    /// in the slot and comes in time.
    function _book(Batch memory batch, uint256 since, uint40 slot, uint256 exported, uint256 imported) private {
        // Every sum is of at most 64 bits of registers, slots or seconds; what is narrower is checked.
        unchecked {
            uint256 start = uint256(slot) * slotDuration;
            uint256 end = start + slotDuration;
            if (since < start || block.timestamp > end + grace) return;

            Place storage place = _placeOf(batch.meterId, slot);
            Booking booking = place.booking.atSlot(slot);
            // A slot's first reading is within the limit of its own time already; of an empty booking there is the slot alone.
            bool fits =
                Booking.unwrap(booking) == slot
                    ? (exported | imported) <= type(uint32).max
                    : _fits(batch.meter, booking, exported, imported);
            if (!fits) return; // the slot keeps what it has
            if (since == start + booking.covered()) {
                booking = booking.withCovered(uint24(batch.meter.lastTakenAt() - start));
            }
            place.booking = booking.plus(exported, imported);

            if (block.timestamp > end + slotDuration) return;
            Sum sum = batch.meter.sum();
            if (sum == Sum.Nowhere) return;
            if (batch.slot != slot || batch.sum != sum) {
                _storeTotals(batch);
                (batch.sum, batch.slot, batch.totals) = (sum, slot, _totals[sum][slot]);
            }
            batch.totals = batch.totals.plus(exported, imported, booking.covered() == slotDuration);
        }
    }

    /// @dev Each reading's limit is rounded up in its meter's favour; many readings must not add that up: a slot takes what the
    /// rated power moves in all of it, and one step.
    function _fits(Meter meter, Booking booking, uint256 exported, uint256 imported) private view returns (bool) {
        unchecked {
            exported += booking.exported();
            imported += booking.imported();
            uint256 most = _mostIn(meter.maxPowerW(), slotDuration) + meter.resolution();
            if (most > type(uint32).max) most = type(uint32).max;
            return exported <= most && imported <= most;
        }
    }

    function _loadMeter(uint32 meterId, Batch memory batch) private view {
        Meter meter = _meters[meterId];
        Signer storage signer = _signers[meterId][meter.epoch()];
        (batch.meterId, batch.meter) = (meterId, meter);
        (batch.account, batch.fromSlot) = (signer.account, signer.fromSlot);
    }

    function _storeMeter(Batch memory batch) private {
        if (batch.meterId != 0) _meters[batch.meterId] = batch.meter;
    }

    function _storeTotals(Batch memory batch) private {
        if (batch.sum != Sum.Nowhere) _totals[batch.sum][batch.slot] = batch.totals;
    }

    /// @dev Energy units that `powerW` with the plausibility reserve moves in `duration` seconds, rounded up.
    function _mostIn(uint256 powerW, uint256 duration) private view returns (uint256) {
        // 32 + 40 + 7 + 20 bits.
        unchecked {
            uint256 wattSecondsPercent = powerW * duration * PLAUSIBLE_PERCENT * unitsPerKWh;
            return (wattSecondsPercent + 360_000_000 - 1) / 360_000_000;
        }
    }

    /// @dev Largest rated power whose energy in a slot, with the reserve, stays below 2³² units.
    function _largestPowerW() private view returns (uint256 largest) {
        largest = (uint256(type(uint32).max) * 360_000_000) / (slotDuration * PLAUSIBLE_PERCENT * unitsPerKWh);
        if (largest > type(uint32).max) largest = type(uint32).max;
    }

    function _reject(Reading calldata reading, Rejection reason) private returns (bool) {
        emit ReadingRejected(reading.meterId, reading.takenAt, reason);
        return false;
    }

    /// @dev Adds a meter to those that are added up, or takes it out.
    function _withSum(Meter meter, Kind kind, bool active) private returns (Meter) {
        if (kind == Kind.Grid) activeFeeders = active ? activeFeeders + 1 : activeFeeders - 1;
        else activeMeters = active ? activeMeters + 1 : activeMeters - 1;
        uint32 resolution = meter.resolution();
        _activeResolution = active ? _activeResolution + resolution : _activeResolution - resolution;
        activeSince = uint40(block.timestamp);
        if (!active) return meter.withSum(Sum.Nowhere);
        return meter.withSum(kind == Kind.Grid ? Sum.Feeder : Sum.Zone);
    }

    function _sums(Sum sum, uint40 slot) private view returns (uint64 exported, uint64 imported, uint32 meters) {
        Totals totals = _totals[sum][slot];
        return (totals.exported(), totals.imported(), totals.completeMeters());
    }

    function _checkRotation(uint32 meterId, uint16 epoch, uint40 fromSlot, uint40 currentFrom) private view {
        uint40 slot = currentSlot();
        if (fromSlot <= slot) revert SlotNotInFuture(fromSlot, slot);
        // No later rotation is possible before this one holds: whoever has a key may not put that off for ever.
        uint40 latest = slot + uint40(ringSlots);
        if (fromSlot > latest) revert SlotTooFar(fromSlot, latest);
        // Until the grace after its first slot is over, readings of the epoch before it may still come in.
        if (epoch != 0 && block.timestamp <= endOf(currentFrom) + grace) revert RotationPending(meterId, currentFrom);
    }

    function _setSigner(
        uint32 meterId,
        uint16 epoch,
        uint40 fromSlot,
        address owner,
        bytes calldata signer,
        bytes calldata possession
    ) private {
        if (signer.length != 20 && signer.length != 84) revert UnsupportedSigner(signer.length);
        address account = address(bytes20(signer));
        if (account == address(0)) revert ZeroAddress();
        // An address of 20 bytes that is this registry would need a key for it.
        if ((account == address(this)) != (signer.length == 84)) revert UnsupportedSigner(signer.length);
        bytes32 signerHash = keccak256(signer);
        if (_meterOfSigner[signerHash] != 0) revert SignerAlreadyUsed(_meterOfSigner[signerHash]);

        _meterOfSigner[signerHash] = meterId;
        Signer storage stored = _signers[meterId][epoch];
        (stored.account, stored.fromSlot) = (account, fromSlot);
        if (signer.length == 84) (stored.x, stored.y) = (bytes32(signer[20:52]), bytes32(signer[52:84]));
        bytes32 digest = _digest(keccak256(abi.encode(POSSESSION_TYPEHASH, owner)));
        if (!_isSigned(digest, possession, stored)) revert BadPossession();
    }

    function _placeOf(uint32 meterId, uint40 slot) private view returns (Place storage) {
        return _ring[(uint256(meterId) << 40) | (slot % ringSlots)];
    }

    function _bookingOf(uint32 meterId, uint40 slot) private view returns (Booking) {
        return _placeOf(meterId, slot).booking.atSlot(slot);
    }

    function _claimable(uint32 meterId, uint40 slot) private view returns (Booking) {
        if (block.timestamp > endOf(slot) + claimWindow) revert ClaimWindowClosed(slot);
        return _bookingOf(meterId, slot);
    }

    function _isSigned(bytes32 digest, bytes calldata signature, Signer storage signer) private view returns (bool) {
        address account = signer.account;
        if (account == address(this)) return _isSignedByElement(digest, signature, signer);
        return _isSignedBy(digest, signature, account);
    }

    /// @dev By a secp256k1 key; false for whatever is malformed, and for no account.
    function _isSignedBy(bytes32 digest, bytes calldata signature, address account) private pure returns (bool) {
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered == account && account != address(0);
    }

    /// @dev By a secure element's P-256 key: r‖s with s in the lower half of the order; false for whatever is malformed.
    /// Where the chain lacks the precompile of EIP-7951, the library computes the check itself.
    function _isSignedByElement(
        bytes32 digest,
        bytes calldata signature,
        Signer storage signer
    ) private view returns (bool) {
        if (signature.length != 64) return false;
        return P256.verify(digest, bytes32(signature[:32]), bytes32(signature[32:]), signer.x, signer.y);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(_separator(), structHash);
    }

    function _separator() private view returns (bytes32) {
        return block.chainid == _chainId ? _domainSeparator : _buildDomainSeparator();
    }

    function _buildDomainSeparator() private view returns (bytes32) {
        return MessageHashUtils.toDomainSeparator(DOMAIN_FIELDS, NAME, VERSION, block.chainid, address(this), _salt);
    }
}
