// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Bid: buys energy for its meter. Ask: sells what its meter exports.
enum Side {
    Bid,
    Ask
}

/// @dev An order is its own key: whoever knows what was ordered knows the id.
///
///   255          88 87       48 47          16 15      8 7       0
///  ┌───────────────┬───────────┬──────────────┬─────────┬─────────┐
///  │       0       │   slot    │   meterId    │  side   │  tick   │
///  └───────────────┴───────────┴──────────────┴─────────┴─────────┘
type OrderId is uint256;

using OrderIdLib for OrderId global;

library OrderIdLib {
    function pack(uint40 slot_, uint32 meterId_, Side side_, uint8 tick_) internal pure returns (OrderId) {
        return OrderId.wrap((uint256(slot_) << 48) | (uint256(meterId_) << 16) | (uint256(side_) << 8) | tick_);
    }

    function slot(OrderId id) internal pure returns (uint40) {
        return uint40(OrderId.unwrap(id) >> 48);
    }

    function meterId(OrderId id) internal pure returns (uint32) {
        return uint32(OrderId.unwrap(id) >> 16);
    }

    function isBid(OrderId id) internal pure returns (bool) {
        return uint8(OrderId.unwrap(id) >> 8) == uint8(Side.Bid);
    }

    function tick(OrderId id) internal pure returns (uint8) {
        return uint8(OrderId.unwrap(id));
    }
}
