// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Where the energy of a meter is added up.
enum Sum {
    Nowhere, // not active
    Zone,
    Feeder // active and of kind Grid
}

/// @dev Everything a reading has to be held against.
///
///   255   248 247    232 231        200 199       168 167      104 103       40 39           0
///  ┌─────────┬──────────┬──────────────┬─────────────┬────────────┬────────────┬──────────────┐
///  │   sum   │  epoch   │  resolution  │  maxPowerW  │  exported  │  imported  │ lastTakenAt  │
///  └─────────┴──────────┴──────────────┴─────────────┴────────────┴────────────┴──────────────┘
type Meter is uint256;

/// @dev One slot of one meter. Readings cover the slot without a gap from its start to `covered` seconds after it;
/// complete when that is the whole slot.
///
///   255 192 191           160 159           128 127      96 95        64 63       40 39        0
///  ┌───────┬─────────────────┬─────────────────┬────────────┬────────────┬───────────┬───────────┐
///  │   0   │  importClaimed  │  exportClaimed  │  imported  │  exported  │  covered  │   slot    │
///  └───────┴─────────────────┴─────────────────┴────────────┴────────────┴───────────┴───────────┘
type Booking is uint256;

/// @dev One slot of all meters that are added up.
///
///   255 160 159            128 127           64 63            0
///  ┌───────┬──────────────────┬────────────────┬───────────────┐
///  │   0   │  completeMeters  │    imported    │   exported    │
///  └───────┴──────────────────┴────────────────┴───────────────┘
type Totals is uint256;

using MeterWord for Meter global;
using BookingWord for Booking global;
using TotalsWord for Totals global;

// The registry's storage, a word each: the hot path reads and writes every word once, and keeps none in memory.

library MeterWord {
    function pack(uint32 maxPowerW_, uint32 resolution_) internal pure returns (Meter) {
        return Meter.wrap((uint256(maxPowerW_) << 168) | (uint256(resolution_) << 200));
    }

    function lastTakenAt(Meter meter) internal pure returns (uint40) {
        return uint40(Meter.unwrap(meter));
    }

    function imported(Meter meter) internal pure returns (uint64) {
        return uint64(Meter.unwrap(meter) >> 40);
    }

    function exported(Meter meter) internal pure returns (uint64) {
        return uint64(Meter.unwrap(meter) >> 104);
    }

    function maxPowerW(Meter meter) internal pure returns (uint32) {
        return uint32(Meter.unwrap(meter) >> 168);
    }

    function resolution(Meter meter) internal pure returns (uint32) {
        return uint32(Meter.unwrap(meter) >> 200);
    }

    function epoch(Meter meter) internal pure returns (uint16) {
        return uint16(Meter.unwrap(meter) >> 232);
    }

    function sum(Meter meter) internal pure returns (Sum) {
        return Sum(Meter.unwrap(meter) >> 248);
    }

    /// @dev The meter after a reading.
    function moved(Meter meter, uint40 takenAt, uint64 imported_, uint64 exported_) internal pure returns (Meter) {
        uint256 rest = (Meter.unwrap(meter) >> 168) << 168;
        return Meter.wrap(rest | takenAt | (uint256(imported_) << 40) | (uint256(exported_) << 104));
    }

    function withEpoch(Meter meter, uint16 epoch_) internal pure returns (Meter) {
        uint256 rest = Meter.unwrap(meter) & ~(uint256(type(uint16).max) << 232);
        return Meter.wrap(rest | (uint256(epoch_) << 232));
    }

    function withSum(Meter meter, Sum sum_) internal pure returns (Meter) {
        uint256 rest = (Meter.unwrap(meter) << 8) >> 8;
        return Meter.wrap(rest | (uint256(sum_) << 248));
    }
}

library BookingWord {
    function slot(Booking booking) internal pure returns (uint40) {
        return uint40(Booking.unwrap(booking));
    }

    function covered(Booking booking) internal pure returns (uint24) {
        return uint24(Booking.unwrap(booking) >> 40);
    }

    function exported(Booking booking) internal pure returns (uint32) {
        return uint32(Booking.unwrap(booking) >> 64);
    }

    function imported(Booking booking) internal pure returns (uint32) {
        return uint32(Booking.unwrap(booking) >> 96);
    }

    function exportLeft(Booking booking) internal pure returns (uint32) {
        return exported(booking) - uint32(Booking.unwrap(booking) >> 128);
    }

    function importLeft(Booking booking) internal pure returns (uint32) {
        return imported(booking) - uint32(Booking.unwrap(booking) >> 160);
    }

    /// @dev What was booked, if it was for this slot; the ring holds a slot until another one takes its place.
    function atSlot(Booking booking, uint40 slot_) internal pure returns (Booking) {
        return slot(booking) == slot_ ? booking : Booking.wrap(slot_);
    }

    function withCovered(Booking booking, uint24 covered_) internal pure returns (Booking) {
        uint256 rest = Booking.unwrap(booking) & ~(uint256(type(uint24).max) << 40);
        return Booking.wrap(rest | (uint256(covered_) << 40));
    }

    /// @dev The caller has checked that both sums fit into 32 bits.
    function plus(Booking booking, uint256 exported_, uint256 imported_) internal pure returns (Booking) {
        unchecked {
            return Booking.wrap(Booking.unwrap(booking) + (exported_ << 64) + (imported_ << 96));
        }
    }

    /// @dev At most `exportLeft`.
    function claimExport(Booking booking, uint32 amount) internal pure returns (Booking) {
        unchecked {
            return Booking.wrap(Booking.unwrap(booking) + (uint256(amount) << 128));
        }
    }

    /// @dev At most `importLeft`.
    function claimImport(Booking booking, uint32 amount) internal pure returns (Booking) {
        unchecked {
            return Booking.wrap(Booking.unwrap(booking) + (uint256(amount) << 160));
        }
    }
}

library TotalsWord {
    function exported(Totals totals) internal pure returns (uint64) {
        return uint64(Totals.unwrap(totals));
    }

    function imported(Totals totals) internal pure returns (uint64) {
        return uint64(Totals.unwrap(totals) >> 64);
    }

    function completeMeters(Totals totals) internal pure returns (uint32) {
        return uint32(Totals.unwrap(totals) >> 128);
    }

    /// @dev Sums of 2³² meters of less than 2³² units each fit into 64 bits.
    function plus(Totals totals, uint256 exported_, uint256 imported_, bool complete) internal pure returns (Totals) {
        unchecked {
            uint256 word = Totals.unwrap(totals) + exported_ + (imported_ << 64);
            return Totals.wrap(complete ? word + (1 << 128) : word);
        }
    }
}
