// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Play money with six decimals for local chains and tests
contract TestUSD is ERC20Permit {
    error FaucetLimit(uint256 requested, uint256 largest);

    /// @notice Largest amount of one draw, base units.
    uint256 public constant FAUCET_LIMIT = 10_000e6;

    constructor() ERC20("Test USD", "tUSD") ERC20Permit("Test USD") {}

    /// @notice Gives the caller `amount` base units.
    function faucet(uint256 amount) external {
        if (amount > FAUCET_LIMIT) revert FaucetLimit(amount, FAUCET_LIMIT);
        _mint(msg.sender, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
