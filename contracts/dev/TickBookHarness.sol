// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Book, Crossing, Ladder, TickBook} from "../market/TickBook.sol";

/// @title A bare order book for tests: totals in, crossing out
contract TickBookHarness {
    using TickBook for Book;
    using TickBook for Ladder;

    Book private _book;

    /// @notice Crosses any number of books, one after the other.
    function crossAll(
        Book[] calldata books,
        uint256 lowest,
        uint256 highest
    ) external returns (Crossing[] memory results) {
        results = new Crossing[](books.length);
        for (uint256 i = 0; i < books.length; i++) {
            for (uint256 w = 0; w < 16; w++) {
                _book.bids.words[w] = books[i].bids.words[w];
                _book.asks.words[w] = books[i].asks.words[w];
            }
            results[i] = _book.cross(lowest, highest);
        }
    }

    function replace(uint256 tick, uint256 removed, uint256 added) external {
        _book.asks.replace(tick, removed, added);
    }

    function totalAt(uint256 tick) external view returns (uint256) {
        return _book.asks.totalAt(tick);
    }
}
