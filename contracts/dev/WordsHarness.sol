// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DirectWords, Offer, Trade} from "../market/DirectWords.sol";
import {Booking, Meter, MeterWord, Sum, Totals} from "../metering/Words.sol";

/// @title The packed words for tests: words in and fields out, and the other way round
contract WordsHarness {
    using DirectWords for uint256;
    using DirectWords for Offer;
    using DirectWords for Trade;

    function offer(uint256 word) external pure returns (Offer memory fields, uint256 again) {
        fields = word.toOffer();
        again = fields.pack();
    }

    function trade(uint256 word) external pure returns (Trade memory fields, uint256 again) {
        fields = word.toTrade();
        again = fields.pack();
    }

    function newMeter(uint32 maxPowerW, uint32 resolution) external pure returns (Meter) {
        return MeterWord.pack(maxPowerW, resolution);
    }

    function meter(
        Meter word
    )
        external
        pure
        returns (
            uint40 lastTakenAt,
            uint64 imported,
            uint64 exported,
            uint32 maxPowerW,
            uint32 resolution,
            uint16 epoch,
            Sum sum
        )
    {
        (lastTakenAt, imported, exported) = (word.lastTakenAt(), word.imported(), word.exported());
        (maxPowerW, resolution, epoch, sum) = (word.maxPowerW(), word.resolution(), word.epoch(), word.sum());
    }

    function moved(Meter word, uint40 takenAt, uint64 imported, uint64 exported) external pure returns (Meter) {
        return word.moved(takenAt, imported, exported);
    }

    function withEpoch(Meter word, uint16 epoch) external pure returns (Meter) {
        return word.withEpoch(epoch);
    }

    function withSum(Meter word, Sum sum) external pure returns (Meter) {
        return word.withSum(sum);
    }

    function booking(
        Booking word
    )
        external
        pure
        returns (uint40 slot, uint24 covered, uint32 exported, uint32 imported, uint32 exportLeft, uint32 importLeft)
    {
        (slot, covered) = (word.slot(), word.covered());
        (exported, imported) = (word.exported(), word.imported());
        (exportLeft, importLeft) = (word.exportLeft(), word.importLeft());
    }

    function atSlot(Booking word, uint40 slot) external pure returns (Booking) {
        return word.atSlot(slot);
    }

    function withCovered(Booking word, uint24 covered) external pure returns (Booking) {
        return word.withCovered(covered);
    }

    function booked(Booking word, uint32 exported, uint32 imported) external pure returns (Booking) {
        return word.plus(exported, imported);
    }

    function claimed(Booking word, uint32 exported, uint32 imported) external pure returns (Booking) {
        return word.claimExport(exported).claimImport(imported);
    }

    function totals(Totals word) external pure returns (uint64 exported, uint64 imported, uint32 completeMeters) {
        return (word.exported(), word.imported(), word.completeMeters());
    }

    function added(Totals word, uint32 exported, uint32 imported, bool complete) external pure returns (Totals) {
        return word.plus(exported, imported, complete);
    }
}
