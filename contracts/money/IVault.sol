// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Stablecoin accounts and the pots of the markets
/// @notice A market moves money only from accounts that allowed it, into its own pot, and out of its own pot: a faulty
/// market can lose its own pot and nothing else. All amounts are base units of the payment token.
interface IVault {
    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    event MarketAllowed(address indexed account, address indexed market, bool allowed);

    error ZeroAmount();
    error ZeroAddress();
    error InvalidReceiver(address to);
    error InsufficientBalance(address account, uint256 requested, uint256 available);
    error InsufficientPot(address market, uint256 requested, uint256 available);
    error MarketNotAllowed(address account, address market);

    /// @notice Adds what actually arrives when `amount` is pulled from the caller.
    /// @return received Base units credited.
    function deposit(uint256 amount) external returns (uint256 received);

    /// @notice `deposit` with the token's own signature instead of an approval, allowing `markets` in the same call.
    /// A permit that somebody else has used already does no harm as long as the allowance is there.
    function depositWithPermit(
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s,
        address[] calldata markets
    ) external returns (uint256 received);

    /// @notice Pays `amount` of the caller's free money out to `to`, which cannot be the vault itself: nobody would own it.
    function withdraw(uint256 amount, address to) external;

    /// @notice Lets `market` lock the caller's free money, or no longer. What is locked already stays locked.
    function setAllowed(address market, bool allowed) external;

    /// @notice The calling market moves `amount` from `from` into its pot; `from` must have allowed it.
    function lock(address from, uint256 amount) external;

    /// @notice The calling market moves `amount` from its pot to `to`.
    function credit(address to, uint256 amount) external;

    function free(address account) external view returns (uint256);

    function pot(address market) external view returns (uint256);

    function allowed(address account, address market) external view returns (bool);

    function token() external view returns (IERC20);
}
