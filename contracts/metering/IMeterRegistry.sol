// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What stands behind a meter. The numeric value is part of a certificate's id (see IEnergyToken).
enum Kind {
    Load,
    Solar,
    Wind,
    Hydro,
    Battery,
    Grid,
    Prosumer
}

/// @dev Whether something behind a meter of this kind generates or stores. What a `Load` exports is not supposed to be, and
/// what `Grid` exports is the neighbours' energy on its way to the utility, which they have sold already.
function isSource(Kind kind) pure returns (bool) {
    return kind != Kind.Load && kind != Kind.Grid;
}

/// @notice Cumulative registers of a meter at one instant, as the meter signs them (EIP-712).
/// @param since `takenAt` of the meter's previous reading (the chain), or 0 for a restart after a gap.
/// @param takenAt Unix seconds at which the registers stood.
/// @param imported Energy taken from the grid since the meter was built (OBIS 1.8.0), energy units.
/// @param exported Energy given to the grid since the meter was built (OBIS 2.8.0), energy units.
struct Reading {
    uint32 meterId;
    uint16 epoch;
    uint40 since;
    uint40 takenAt;
    uint64 imported;
    uint64 exported;
}

/// @dev Why a reading was skipped. Only `OutOfOrder` and `InFuture` can become acceptable later.
enum Rejection {
    UnknownMeter,
    InFuture,
    NotNewer,
    OutOfOrder,
    WrongEpoch,
    BadSignature
}

/// @notice What is known about a meter.
/// @param owner Receives the money and the certificates of what the meter exports.
/// @param trader May trade for the owner, zero when nobody may.
/// @param kind What stands behind the meter.
/// @param active False blocks new orders and listings; readings stay accepted.
/// @param maxPowerW Largest power the meter can see, in W.
/// @param resolution Smallest step of the registers, energy units.
/// @param epoch Number of the newest signer; readings carry it.
/// @param epochFromSlot First slot whose readings the newest signer signs; earlier slots belong to `epoch − 1`.
/// @param lastTakenAt Instant of the newest accepted reading, 0 before the first.
/// @param imported Register at `lastTakenAt`, energy units.
/// @param exported Register at `lastTakenAt`, energy units.
struct MeterInfo {
    address owner;
    address trader;
    Kind kind;
    bool active;
    uint32 maxPowerW;
    uint32 resolution;
    uint16 epoch;
    uint40 epochFromSlot;
    uint40 lastTakenAt;
    uint64 imported;
    uint64 exported;
}

/// @title Who measures, and what was measured
/// @notice Slot s is the delivery interval (s·D, (s+1)·D]; a reading taken exactly at (s+1)·D closes slot s. Energy is
/// booked to a slot only when both ends of a chained reading lie in it and it arrives within the grace after its end.
interface IMeterRegistry {
    event MeterRegistered(
        uint32 indexed meterId,
        address indexed owner,
        Kind kind,
        uint32 maxPowerW,
        uint32 resolution,
        bytes signer
    );
    event SignerRotated(uint32 indexed meterId, uint16 epoch, uint40 fromSlot, bytes signer);
    event MeterTransferStarted(uint32 indexed meterId, address indexed from, address indexed to);
    event MeterTransferred(uint32 indexed meterId, address indexed from, address indexed to);
    event TraderSet(uint32 indexed meterId, address indexed trader);
    event ActiveSet(uint32 indexed meterId, bool active);
    event MarketAdded(address indexed market);
    event ReadingAccepted(
        uint32 indexed meterId,
        uint40 indexed slot,
        uint40 takenAt,
        uint64 imported,
        uint64 exported
    );
    event ReadingRejected(uint32 indexed meterId, uint40 takenAt, Rejection reason);
    /// @notice The accepted reading set a new baseline and booked nothing (first reading, restart, or implausible step).
    event Rebased(uint32 indexed meterId, uint40 takenAt, uint64 imported, uint64 exported);
    /// @notice The common connection point does not show what the meters behind it add up to (see `reconcile`).
    event FeederMismatch(uint40 indexed slot, int256 expected, int256 measured);

    error UnknownMeter(uint32 meterId);
    error NotMeterOwner(uint32 meterId, address caller);
    error NotPendingOwner(uint32 meterId, address caller);
    error NotMarket(address caller);
    error ZeroAddress();
    /// @notice Neither 20 bytes, nor 84 bytes that begin with this registry's address.
    error UnsupportedSigner(uint256 length);
    error SignerAlreadyUsed(uint32 meterId);
    error BadPossession();
    /// @notice The current signer's signature over the hand-over is missing or wrong.
    error BadAuthorization(uint32 meterId);
    error SlotNotInFuture(uint40 fromSlot, uint40 currentSlot);
    error SlotTooFar(uint40 fromSlot, uint40 latest);
    error RotationPending(uint32 meterId, uint40 fromSlot);
    error PowerOutOfRange(uint32 maxPowerW, uint256 largest);
    error ZeroResolution();
    error LengthMismatch(uint256 readings, uint256 signatures);
    error ClaimWindowClosed(uint40 slot);
    error TimesOutOfRange();
    error NoFeeder();
    error MetersChanged(uint40 slot, uint40 changedAt);
    error SlotIncomplete(uint40 slot, uint32 completeMeters, uint32 activeMeters);

    // ------------------------------------------------------------------ meters

    /// @notice Adds a meter (operator). The device proves that it holds the key by signing `Possession(owner)`.
    /// @param maxPowerW Largest power in W; what it can move in a slot with 10 % reserve stays below 2³² units.
    /// @param resolution Smallest step of the registers in energy units, at least 1.
    /// @param signer 20 bytes: address of the meter's secp256k1 key, which signs r‖s‖v. Or 84 bytes (ERC-7913): this
    /// registry's address and the coordinates x‖y of a P-256 key in a secure element, which signs r‖s (64 bytes) with s
    /// at most half the curve's order.
    function register(
        address owner,
        Kind kind,
        uint32 maxPowerW,
        uint32 resolution,
        bytes calldata signer,
        bytes calldata possession
    ) external returns (uint32 meterId);

    /// @notice Gives the meter a new key from a future slot on, at most about one claim window ahead.
    /// @param authorization The current signer's signature over `Rotation(meterId, epoch, fromSlot, signerHash)`, or
    /// empty when the operator calls.
    function rotateSigner(
        uint32 meterId,
        uint40 fromSlot,
        bytes calldata signer,
        bytes calldata possession,
        bytes calldata authorization
    ) external;

    /// @notice Offers the meter to another owner, who has to accept. Offering the zero address withdraws the offer.
    function transferMeter(uint32 meterId, address to) external;

    /// @notice Takes an offered meter over; the former owner's trader is dismissed.
    function acceptMeter(uint32 meterId) external;

    /// @notice The owner lets `trader` place and cancel with the owner's vault money; never withdraw.
    function setTrader(uint32 meterId, address trader) external;

    /// @notice Blocks (false) or allows new orders and listings of a meter (operator).
    function setActive(uint32 meterId, bool active) external;

    /// @notice Lets a market claim booked energy, forever (behind a delay).
    function addMarket(address market) external;

    // ---------------------------------------------------------------- readings

    /// @notice Takes signed readings from anybody. A reading that cannot be accepted is skipped with
    /// `ReadingRejected`; it never reverts the others.
    /// @return accepted Number of readings that moved a register.
    function report(Reading[] calldata readings, bytes[] calldata signatures) external returns (uint256 accepted);

    /// @notice Compares the common connection point with the meters behind it in a slot, once all of them are complete
    /// before the totals froze. Anybody may call; emits `FeederMismatch` when they do not fit. Evidence only: nothing is held.
    /// @dev Every register counts as seen from behind its meter. A meter of kind Grid stands at a connection point of
    /// the zone: it imports what the zone takes from the utility and exports what the zone gives to it; several are added
    /// up. With net = imported − exported, energy is conserved when
    ///   expected − tolerance ≤ measured ≤ expected + losses + tolerance,
    /// expected: net of all active meters but those of kind Grid; measured: net of the active ones of kind Grid;
    /// losses: 5 % of what is fed in, by meters that export and by the utility;
    /// tolerance: 2 % of what all registers show, and two steps of each meter.
    /// A meter that is behind the connection point but not active shows up as a mismatch.
    /// @return balanced False when they do not fit.
    function reconcile(uint40 slot) external returns (bool balanced);

    /// @notice A market takes up to `amount` of what the meter exported in the slot and nobody claimed yet.
    /// @return claimed What was taken, energy units.
    function claimExport(uint32 meterId, uint40 slot, uint32 amount) external returns (uint32 claimed);

    /// @notice A market takes up to `amount` of what the meter imported in the slot and nobody claimed yet.
    function claimImport(uint32 meterId, uint40 slot, uint32 amount) external returns (uint32 claimed);

    // ------------------------------------------------------------------- views

    /// @notice Energy booked in a slot, and whether readings cover it without a gap from start to end.
    function energyIn(
        uint32 meterId,
        uint40 slot
    ) external view returns (uint32 exported, uint32 imported, bool complete);

    /// @notice Booked and not yet claimed.
    function unclaimedIn(uint32 meterId, uint40 slot) external view returns (uint32 exported, uint32 imported);

    /// @notice True when nothing more can be booked for the slot: the meter is past it, or the grace is over.
    function isFinal(uint32 meterId, uint40 slot) external view returns (bool);

    /// @notice Sums over all active meters but those of kind Grid, frozen two slots after the slot's start.
    function totalsIn(uint40 slot) external view returns (uint64 exported, uint64 imported, uint32 completeMeters);

    /// @notice Sums over the active meters of kind Grid, frozen like `totalsIn`.
    function feederIn(uint40 slot) external view returns (uint64 exported, uint64 imported, uint32 completeMeters);

    function meterOf(uint32 meterId) external view returns (MeterInfo memory);

    function ownerOf(uint32 meterId) external view returns (address);

    /// @notice What a market has to know of a meter that trades.
    /// @return owner Whose money and energy it is.
    /// @return active Whether it may take new orders.
    /// @return tenure Number of its owner, see `ownerIn`.
    /// @return maxPowerW Largest power the meter can see, in W.
    /// @return kind What stands behind it: some meters only buy.
    function standingOf(
        uint32 meterId
    ) external view returns (address owner, bool active, uint16 tenure, uint32 maxPowerW, Kind kind);

    /// @notice Owners of a meter are numbered from 0: whoever remembers meter and tenure (6 bytes) knows for ever whose
    /// an obligation is. Zero for a tenure that has not begun.
    function ownerIn(uint32 meterId, uint16 tenure) external view returns (address);

    function kindOf(uint32 meterId) external view returns (Kind);

    /// @notice Largest power the meter can see, in W.
    function maxPowerOf(uint32 meterId) external view returns (uint32);

    /// @notice True when `account` is the owner or the owner's trader.
    function mayTrade(uint32 meterId, address account) external view returns (bool);

    /// @notice The key that signs in an epoch: 20 or 84 bytes, empty when there is none.
    function signerOf(uint32 meterId, uint16 epoch) external view returns (bytes memory);

    function isMarket(address account) external view returns (bool);

    function meterCount() external view returns (uint32);

    /// @notice Meters that may trade, kind Grid excluded.
    function activeMeters() external view returns (uint32);

    /// @notice Active meters of kind Grid, at the common connection point.
    function activeFeeders() external view returns (uint32);

    /// @notice When a meter last joined or left the active ones; slots that began before cannot be reconciled.
    function activeSince() external view returns (uint40);

    function slotOf(uint256 timestamp) external view returns (uint40);

    function currentSlot() external view returns (uint40);

    /// @notice The instant at which a slot ends and the next one begins, (slot + 1) · D.
    function endOf(uint40 slot) external view returns (uint40);

    /// @notice Length of a slot in seconds.
    function slotDuration() external view returns (uint40);

    /// @notice Seconds after a slot's end within which its readings are still booked.
    function grace() external view returns (uint40);

    /// @notice Seconds after a slot's end within which booked energy can be claimed.
    function claimWindow() external view returns (uint40);

    /// @notice 1_000 (unit = Wh) or 1_000_000 (unit = mWh).
    function unitsPerKWh() external view returns (uint32);
}
