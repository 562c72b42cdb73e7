// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Hostile money for tests: calls somebody in the middle of every transfer
contract ReentrantToken is ERC20 {
    address private _target;
    bytes private _data;
    /// @notice What the last call in a transfer ended with.
    bool public succeeded;
    bytes public returned;

    constructor() ERC20("Reentrant token", "RE") {
        _mint(msg.sender, 1_000_000e18);
    }

    /// @notice From now on transfers call `target`; the zero address stops that.
    function arm(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        // The attack itself.
        // solhint-disable-next-line avoid-low-level-calls
        if (_target != address(0)) (succeeded, returned) = _target.call(_data);
    }
}
