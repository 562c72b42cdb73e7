// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @dev Energy offered at 128 ticks by one side of a slot, eight totals to a word. Tick t lies in word t / 8:
///
///   255    224 223    192            63     32 31      0
///  ┌──────────┬──────────┬─ … ──────┬─────────┬─────────┐
///  │ 8w + 7   │ 8w + 6   │          │ 8w + 1  │   8w    │   words[w], energy units
///  └──────────┴──────────┴─ … ──────┴─────────┴─────────┘
struct Ladder {
    uint256[16] words;
}

/// @dev Asks and bids of a slot, both at the price the seller would get.
struct Book {
    Ladder bids;
    Ladder asks;
}

/// @dev Where demand and supply meet. Better-priced orders fill completely; of the energy at the marginal ticks
/// `filled` out of `total` is accepted, on one of the sides all of it. Everything is zero when nothing matches.
/// @param volume Largest energy that one price can move, energy units.
/// @param priceTick Middle of the clearing interval, rounded down.
/// @param askTick Last accepted ask tick.
/// @param bidTick Last accepted bid tick.
struct Crossing {
    uint40 volume;
    uint8 priceTick;
    uint8 askTick;
    uint8 bidTick;
    uint32 askFilled;
    uint32 askTotal;
    uint32 bidFilled;
    uint32 bidTotal;
}

/// @title Packed tick totals and the crossing of two of them
/// @notice The chain is its own solver: whatever the number of orders, a side of a slot is at most 16 words.
library TickBook {
    uint256 internal constant TICKS = 128;

    /// @notice The total of a tick has no room for the order.
    error TickFull(uint256 tick, uint256 total, uint256 added);

    /// @dev Walks over the ticks of one side that hold energy, the most generous first.
    struct Cursor {
        uint256 tick;
        uint256 rest; // totals of the word from this tick on, its own in the outermost lane
        uint256 left; // energy of the tick that is not matched; 0 at the end of the walk
    }

    // ------------------------------------------------------------------ totals

    /// @notice Takes `removed` from the tick's total and gives it `added`.
    function replace(Ladder storage ladder, uint256 tick, uint256 removed, uint256 added) internal {
        uint256 word = ladder.words[tick >> 3];
        uint256 total = _lane(word, tick) - removed;
        if (total + added > type(uint32).max) revert TickFull(tick, total, added);
        uint256 shift = _shift(tick);
        ladder.words[tick >> 3] = (word & ~(uint256(type(uint32).max) << shift)) | ((total + added) << shift);
    }

    function totalAt(Ladder storage ladder, uint256 tick) internal view returns (uint256) {
        return _lane(ladder.words[tick >> 3], tick);
    }

    // ---------------------------------------------------------------- crossing

    /// @notice Largest volume max over p of min(demand at ≥ p, supply at ≤ p), found by matching the cheapest ask with the
    /// dearest bid until they no longer meet, and the price in the middle of the interval in which that volume clears:
    ///
    ///      max(last accepted ask, first unserved bid) … min(last accepted bid, first unserved ask)
    ///
    /// A marginal tick that is served in part is last accepted and first unserved at once; it then is the price.
    /// @param lowest First tick that is looked at.
    /// @param highest Last tick that is looked at.
    function cross(
        Book storage book,
        uint256 lowest,
        uint256 highest
    ) internal view returns (Crossing memory crossing) {
        Cursor memory ask = _lowestAsk(book.asks, lowest, highest);
        Cursor memory bid = _highestBid(book.bids, lowest, highest);
        (uint256 volume, uint256 askTick, uint256 bidTick) = (0, 0, 0);
        // 128 totals of 32 bits add up to less than 2⁴⁰, and no more is taken from a tick than is left.
        unchecked {
            while (ask.left != 0 && bid.left != 0 && ask.tick <= bid.tick) {
                uint256 matched = ask.left < bid.left ? ask.left : bid.left;
                volume += matched;
                (askTick, bidTick) = (ask.tick, bid.tick);
                ask.left -= matched;
                bid.left -= matched;
                // Beyond the other side's marginal tick nothing matches and nothing bounds the price.
                if (ask.left == 0) _goUp(book.asks, ask, bidTick);
                if (bid.left == 0) _goDown(book.bids, bid, askTick);
            }
        }
        if (volume == 0) return crossing;

        crossing.volume = uint40(volume);
        crossing.askTick = uint8(askTick);
        crossing.bidTick = uint8(bidTick);
        (crossing.askFilled, crossing.askTotal) = _filledAt(book.asks, askTick, ask);
        (crossing.bidFilled, crossing.bidTotal) = _filledAt(book.bids, bidTick, bid);
        if (bid.left != 0) askTick = Math.max(askTick, bid.tick);
        if (ask.left != 0) bidTick = Math.min(bidTick, ask.tick);
        crossing.priceTick = uint8((askTick + bidTick) / 2);
    }

    // ---------------------------------------------------------------- internal

    function _shift(uint256 tick) private pure returns (uint256) {
        return (tick & 7) << 5;
    }

    function _lane(uint256 word, uint256 tick) private pure returns (uint256) {
        return uint32(word >> _shift(tick));
    }

    /// @dev What is accepted of a marginal tick: all of it, unless the walk ended there.
    function _filledAt(
        Ladder storage ladder,
        uint256 tick,
        Cursor memory end
    ) private view returns (uint32 filled, uint32 total) {
        total = uint32(totalAt(ladder, tick));
        filled = end.left != 0 && end.tick == tick ? total - uint32(end.left) : total;
    }

    function _lowestAsk(Ladder storage asks, uint256 lowest, uint256 highest) private view returns (Cursor memory ask) {
        ask.tick = lowest;
        ask.rest = asks.words[lowest >> 3] >> _shift(lowest);
        ask.left = uint32(ask.rest);
        if (ask.left == 0) _goUp(asks, ask, highest);
    }

    function _highestBid(
        Ladder storage bids,
        uint256 lowest,
        uint256 highest
    ) private view returns (Cursor memory bid) {
        bid.tick = highest;
        bid.rest = bids.words[highest >> 3] << (224 - _shift(highest));
        bid.left = bid.rest >> 224;
        if (bid.left == 0) _goDown(bids, bid, lowest);
    }

    /// @dev To the next tick with energy above the cursor, up to `last`.
    function _goUp(Ladder storage ladder, Cursor memory cursor, uint256 last) private view {
        (uint256 tick, uint256 rest) = (cursor.tick, cursor.rest);
        // The tick stays at most `last`.
        unchecked {
            do {
                if (rest == 0) tick |= 7;
                if (tick >= last) return;
                tick++;
                rest = tick & 7 == 0 ? ladder.words[tick >> 3] : rest >> 32;
            } while (uint32(rest) == 0);
        }
        (cursor.tick, cursor.rest, cursor.left) = (tick, rest, uint32(rest));
    }

    /// @dev To the next tick with energy below the cursor, down to `last`.
    function _goDown(Ladder storage ladder, Cursor memory cursor, uint256 last) private view {
        (uint256 tick, uint256 rest) = (cursor.tick, cursor.rest);
        // The tick stays at least `last`.
        unchecked {
            do {
                if (rest == 0) tick &= ~uint256(7);
                if (tick <= last) return;
                rest = tick & 7 == 0 ? ladder.words[(tick - 1) >> 3] : rest << 32;
                tick--;
            } while (rest >> 224 == 0);
        }
        (cursor.tick, cursor.rest, cursor.left) = (tick, rest, rest >> 224);
    }
}
