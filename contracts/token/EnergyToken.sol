// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IMeterRegistry, isSource, Kind} from "../metering/IMeterRegistry.sol";
import {IEnergyToken} from "./IEnergyToken.sol";

/// @title Certificates of measured renewable energy
/// @notice Units, rules and errors stand on IEnergyToken.
contract EnergyToken is IEnergyToken, ERC1155 {
    /// @notice Source of certificates out of an auction's pool.
    uint8 public constant MIXED = type(uint8).max;
    /// @dev Enough for a careful receiver; a wasteful one is treated as refusing.
    uint256 private constant RECEIVER_GAS = 150_000;

    IMeterRegistry public immutable registry;
    uint256 private immutable _slotDuration;

    mapping(uint256 id => uint256) public totalSupply;
    mapping(address account => mapping(uint256 id => uint256)) public held;

    constructor(IMeterRegistry registry_) ERC1155("") {
        registry = registry_;
        _slotDuration = registry_.slotDuration();
    }

    // ----------------------------------------------------------------- minting

    /// @inheritdoc IEnergyToken
    function mint(address to, uint40 slot, uint8 source, uint256 amount) external {
        if (!registry.isMarket(msg.sender)) revert NotMarket(msg.sender);
        if (amount != 0 && _isSource(source)) _deliver(to, idOf(slot, source), amount);
    }

    /// @inheritdoc IEnergyToken
    function mintUnsold(uint32 meterId, uint40 slot, uint32 amount) external returns (uint32 minted) {
        if (registry.ownerOf(meterId) != msg.sender) revert NotMeterOwner(meterId, msg.sender);
        uint8 source = uint8(registry.kindOf(meterId));
        minted = _isSource(source) ? registry.claimExport(meterId, slot, amount) : 0;
        if (minted == 0) revert NothingToMint(meterId, slot);
        _deliver(msg.sender, idOf(slot, source), minted);
    }

    /// @inheritdoc IEnergyToken
    function release(address account, uint256 id) external {
        uint256 amount = held[account][id];
        if (amount == 0) revert NothingHeld(account, id);
        held[account][id] = 0;
        emit Released(account, id, amount);
        _safeTransferFrom(address(this), account, id, amount, "");
    }

    /// @dev Only for this contract's own call in `_deliver`, which can fail without failing its caller.
    function mintChecked(address to, uint256 id, uint256 amount) external {
        if (msg.sender != address(this)) revert NotMarket(msg.sender);
        _mint(to, id, amount, "");
    }

    // -------------------------------------------------------------- retirement

    /// @inheritdoc IEnergyToken
    function retire(uint256 id, uint256 amount, address beneficiary, string calldata purpose) external {
        if (amount == 0) revert ZeroAmount();
        _burn(msg.sender, id, amount);
        emit Retired(msg.sender, id, amount, beneficiary, purpose);
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc IEnergyToken
    function idOf(uint40 slot, uint8 source) public view returns (uint256) {
        // A slot that ends at midnight belongs to the day before.
        uint256 day = ((uint256(slot) + 1) * _slotDuration - 1) / 1 days;
        return (day << 8) | source;
    }

    /// @notice Metadata as a data URI: what the energy came from and on which day.
    function uri(uint256 id) public view override returns (string memory) {
        string memory source = _nameOf(uint8(id));
        string memory unit = registry.unitsPerKWh() == 1_000 ? "Wh" : "mWh";
        bytes memory json = abi.encodePacked(
            '{"name":"',
            source,
            " energy, day ",
            Strings.toString(id >> 8),
            '","description":"Measured local energy. One token is 1 ',
            unit,
            '.","decimals":0,"attributes":[{"trait_type":"source","value":"',
            source,
            '"},{"trait_type":"day","display_type":"date","value":',
            Strings.toString((id >> 8) * 1 days),
            '},{"trait_type":"unit","value":"',
            unit,
            '"}]}'
        );
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC1155, IERC165) returns (bool) {
        return super.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Mints to the account, or keeps the certificates for it when it is a contract that refuses them.
    function _deliver(address to, uint256 id, uint256 amount) private {
        if (to.code.length == 0) {
            _mint(to, id, amount, "");
            return;
        }
        try this.mintChecked{gas: RECEIVER_GAS}(to, id, amount) {} catch {
            held[to][id] += amount;
            emit Held(to, id, amount);
            _keep(id, amount);
        }
    }

    /// @dev Mints to this contract, which is no receiver: nobody can send certificates here by mistake.
    function _keep(uint256 id, uint256 amount) private {
        uint256[] memory ids = new uint256[](1);
        uint256[] memory amounts = new uint256[](1);
        (ids[0], amounts[0]) = (id, amount);
        _update(address(0), address(this), ids, amounts);
    }

    function _isSource(uint8 source) private pure returns (bool) {
        return source == MIXED || (source <= uint8(type(Kind).max) && isSource(Kind(source)));
    }

    function _nameOf(uint8 source) private pure returns (string memory) {
        if (source == MIXED) return "Mixed";
        if (source == uint8(Kind.Solar)) return "Solar";
        if (source == uint8(Kind.Wind)) return "Wind";
        if (source == uint8(Kind.Hydro)) return "Hydro";
        if (source == uint8(Kind.Battery)) return "Storage";
        if (source == uint8(Kind.Prosumer)) return "Prosumer";
        return "Unknown";
    }

    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        super._update(from, to, ids, values);
        for (uint256 i = 0; i < ids.length; i++) {
            if (from == address(0)) totalSupply[ids[i]] += values[i];
            if (to == address(0)) totalSupply[ids[i]] -= values[i];
        }
    }
}
