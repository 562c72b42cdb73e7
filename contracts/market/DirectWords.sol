// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PriceMode} from "./IDirectMarket.sol";

/// @dev A listing. Whose it is follows from meter and tenure (see IMeterRegistry.ownerIn). Word, from the lowest bit:
/// meterId 32 | tenure 16 | energy 32 | minEnergy 32 | mode 8 | price 48 | expiresAt 40.
struct Offer {
    uint32 meterId;
    uint16 tenure;
    uint32 energy;
    uint32 minEnergy;
    PriceMode mode;
    uint48 price;
    uint40 expiresAt;
}

/// @dev A purchase; the seller's side stands in the offer. Word, from the lowest bit:
/// listingId 32 | buyerMeterId 32 | buyerTenure 16 | energy 32 | delivered 32 | price 48 | feeTicks 8 | startSlot 40 |
/// lastSlot 8 | closed 8.
struct Trade {
    uint32 listingId;
    uint32 buyerMeterId;
    uint16 buyerTenure;
    uint32 energy;
    uint32 delivered;
    uint48 price;
    uint8 feeTicks; // grid fee; the tariff keeps it a multiple of its tick
    uint40 startSlot;
    uint8 lastSlot; // relative to startSlot
    bool closed;
}

/// @title The direct market's storage, a word each
/// @notice The compiler writes a struct member by member; a trade is one new word, and that is most of what it costs.
library DirectWords {
    function toOffer(uint256 word) internal pure returns (Offer memory offer) {
        offer.meterId = uint32(word);
        offer.tenure = uint16(word >> 32);
        offer.energy = uint32(word >> 48);
        offer.minEnergy = uint32(word >> 80);
        offer.mode = PriceMode(uint8(word >> 112));
        offer.price = uint48(word >> 120);
        offer.expiresAt = uint40(word >> 168);
    }

    function pack(Offer memory offer) internal pure returns (uint256) {
        return
            uint256(offer.meterId) |
            (uint256(offer.tenure) << 32) |
            (uint256(offer.energy) << 48) |
            (uint256(offer.minEnergy) << 80) |
            (uint256(offer.mode) << 112) |
            (uint256(offer.price) << 120) |
            (uint256(offer.expiresAt) << 168);
    }

    function toTrade(uint256 word) internal pure returns (Trade memory trade) {
        trade.listingId = uint32(word);
        trade.buyerMeterId = uint32(word >> 32);
        trade.buyerTenure = uint16(word >> 64);
        trade.energy = uint32(word >> 80);
        trade.delivered = uint32(word >> 112);
        trade.price = uint48(word >> 144);
        trade.feeTicks = uint8(word >> 192);
        trade.startSlot = uint40(word >> 200);
        trade.lastSlot = uint8(word >> 240);
        trade.closed = isClosed(word);
    }

    function pack(Trade memory trade) internal pure returns (uint256) {
        return
            uint256(trade.listingId) |
            (uint256(trade.buyerMeterId) << 32) |
            (uint256(trade.buyerTenure) << 64) |
            (uint256(trade.energy) << 80) |
            (uint256(trade.delivered) << 112) |
            (uint256(trade.price) << 144) |
            (uint256(trade.feeTicks) << 192) |
            (uint256(trade.startSlot) << 200) |
            (uint256(trade.lastSlot) << 240) |
            (trade.closed ? 1 << 248 : 0);
    }

    /// @dev Of a trade's word.
    function isClosed(uint256 word) internal pure returns (bool) {
        return word >> 248 != 0;
    }
}
