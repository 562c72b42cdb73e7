// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "./IVault.sol";

/// @title Stablecoin accounts and the pots of the markets
/// @notice Units, rules and errors stand on IVault.
contract Vault is IVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;

    mapping(address account => uint256) public free;
    mapping(address market => uint256) public pot;
    mapping(address account => mapping(address market => bool)) public allowed;

    constructor(IERC20 token_) {
        if (address(token_) == address(0)) revert ZeroAddress();
        token = token_;
    }

    // ---------------------------------------------------------------- accounts

    /// @inheritdoc IVault
    function deposit(uint256 amount) external nonReentrant returns (uint256 received) {
        return _deposit(amount);
    }

    /// @inheritdoc IVault
    function depositWithPermit(
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s,
        address[] calldata markets
    ) external nonReentrant returns (uint256 received) {
        // A permit that was front-run has set the allowance already; when it has not, the transfer below fails.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        for (uint256 i = 0; i < markets.length; i++) _setAllowed(markets[i], true);
        return _deposit(amount);
    }

    /// @inheritdoc IVault
    function withdraw(uint256 amount, address to) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
        if (to == address(this)) revert InvalidReceiver(to);
        _takeFree(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc IVault
    function setAllowed(address market, bool allowed_) external {
        _setAllowed(market, allowed_);
    }

    // ----------------------------------------------------------------- markets

    /// @inheritdoc IVault
    function lock(address from, uint256 amount) external {
        if (!allowed[from][msg.sender]) revert MarketNotAllowed(from, msg.sender);
        _takeFree(from, amount);
        pot[msg.sender] += amount;
    }

    /// @inheritdoc IVault
    function credit(address to, uint256 amount) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 available = pot[msg.sender];
        if (amount > available) revert InsufficientPot(msg.sender, amount, available);
        pot[msg.sender] = available - amount;
        free[to] += amount;
    }

    // ---------------------------------------------------------------- internal

    /// @dev Credits the difference the transfer made, whatever fee the token takes.
    function _deposit(uint256 amount) private returns (uint256 received) {
        if (amount == 0) revert ZeroAmount();
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        received = token.balanceOf(address(this)) - before;
        free[msg.sender] += received;
        emit Deposited(msg.sender, received);
    }

    function _takeFree(address account, uint256 amount) private {
        uint256 available = free[account];
        if (amount > available) revert InsufficientBalance(account, amount, available);
        free[account] = available - amount;
    }

    function _setAllowed(address market, bool allowed_) private {
        if (market == address(0)) revert ZeroAddress();
        allowed[msg.sender][market] = allowed_;
        emit MarketAllowed(msg.sender, market, allowed_);
    }
}
