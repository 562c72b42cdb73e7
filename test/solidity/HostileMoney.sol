// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSD} from "../../contracts/dev/TestUSD.sol";
import {Accomplice} from "./Accomplice.sol";

/// @title Money that can change its mind: plain, with a fee on every transfer, or calling an accomplice in the middle of it
contract HostileMoney is TestUSD {
    enum Mood {
        Plain,
        Fee,
        Reenter
    }

    Mood public mood;
    Accomplice private _accomplice;

    function setMood(Mood mood_, Accomplice accomplice) external {
        (mood, _accomplice) = (mood_, accomplice);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from == address(0) || to == address(0)) return;
        if (mood == Mood.Fee) super._update(to, address(0), value / 100);
        if (mood == Mood.Reenter) _accomplice.onERC1155Received(from, to, 0, value, "");
    }
}
