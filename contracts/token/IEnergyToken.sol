// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// @title Certificates of measured renewable energy
/// @notice ERC-1155; id = UTC day of the slot's end << 8 | source kind; amounts in energy units. Each exported unit is minted
/// once at most. Discharge of a battery is storage, not a source of its own; loads and the utility get none.
interface IEnergyToken is IERC1155 {
    event Retired(
        address indexed account,
        uint256 indexed id,
        uint256 amount,
        address indexed beneficiary,
        string purpose
    );
    /// @notice A receiver refused its certificates; they wait for it.
    event Held(address indexed account, uint256 indexed id, uint256 amount);
    event Released(address indexed account, uint256 indexed id, uint256 amount);

    error NotMarket(address caller);
    error NotMeterOwner(uint32 meterId, address caller);
    error NothingToMint(uint32 meterId, uint40 slot);
    error NothingHeld(address account, uint256 id);
    error ZeroAmount();

    /// @notice A market mints certificates for energy it claimed. Mints nothing for kinds without certificates. Never
    /// reverts because of the receiver.
    /// @param source A `Kind`, or `MIXED` for energy out of a pool.
    function mint(address to, uint40 slot, uint8 source, uint256 amount) external;

    /// @notice The owner of a meter turns what it exported in a slot and nobody claimed into certificates.
    /// At the owner's own risk: what is claimed here cannot settle a sale any more.
    /// @return minted Energy units.
    function mintUnsold(uint32 meterId, uint40 slot, uint32 amount) external returns (uint32 minted);

    /// @notice Burns the caller's certificates as used, for `beneficiary` and a stated purpose.
    function retire(uint256 id, uint256 amount, address beneficiary, string calldata purpose) external;

    /// @notice Sends `account` the certificates it refused earlier.
    function release(address account, uint256 id) external;

    /// @notice Certificates waiting for an account that refused them.
    function held(address account, uint256 id) external view returns (uint256);

    /// @notice Id of the certificates for a slot and a source.
    function idOf(uint40 slot, uint8 source) external view returns (uint256);

    function totalSupply(uint256 id) external view returns (uint256);
}
