// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IMeterRegistry, isSource, Kind} from "../metering/IMeterRegistry.sol";
import {IVault} from "../money/IVault.sol";
import {ITariff} from "../pricing/ITariff.sol";
import {IEnergyToken} from "../token/IEnergyToken.sol";
import {IMarket} from "./IMarket.sol";

/// @title What the markets of a zone have in common
/// @notice Where they stand, who may trade, when slots begin and how money is rounded. Times and money are counted
/// without checks: a slot fits into 40 bits, energy of a slot is below 2³⁹ units, a price below 2⁴⁸ (see Tariff).
/// @dev Authority and pause take 22 bytes of the first word; what a market declares first shares it.
abstract contract Market is IMarket, AccessManaged, Pausable, ReentrancyGuardTransient {
    IMeterRegistry public immutable registry;
    IVault public immutable vault;
    ITariff public immutable tariff;
    IEnergyToken public immutable energyToken;
    /// @notice Receives the grid fees.
    address public immutable gridOperator;
    /// @notice Receives what rounding leaves.
    address public immutable dustAccount;
    uint256 internal immutable _slotDuration;
    uint256 internal immutable _claimWindow;
    uint256 internal immutable _unitsPerKWh;
    uint256 internal immutable _tickSize;

    constructor(
        address authority,
        IMeterRegistry registry_,
        IVault vault_,
        ITariff tariff_,
        IEnergyToken energyToken_,
        address gridOperator_,
        address dustAccount_
    ) AccessManaged(authority) {
        if (gridOperator_ == address(0) || dustAccount_ == address(0)) revert ZeroAddress();
        registry = registry_;
        vault = vault_;
        tariff = tariff_;
        energyToken = energyToken_;
        gridOperator = gridOperator_;
        dustAccount = dustAccount_;
        _slotDuration = registry_.slotDuration();
        _claimWindow = registry_.claimWindow();
        _unitsPerKWh = registry_.unitsPerKWh();
        _tickSize = tariff_.tickSize();
    }

    // ---------------------------------------------------------------- guardian

    /// @notice Stops new orders; everything else goes on.
    function pause() external restricted {
        _pause();
    }

    function unpause() external restricted {
        _unpause();
    }

    // ---------------------------------------------------------------- internal

    /// @dev Owner of a meter for which the caller may trade and which may take orders; see IMeterRegistry.standingOf.
    /// `sells` is false for a meter that only buys.
    function _admitted(
        uint32 meterId
    ) internal view returns (address owner, uint16 tenure, uint32 maxPowerW, bool sells) {
        bool active;
        Kind kind;
        (owner, active, tenure, maxPowerW, kind) = registry.standingOf(meterId);
        sells = isSource(kind);
        if (msg.sender != owner && !registry.mayTrade(meterId, msg.sender)) {
            revert NotYourMeter(meterId, msg.sender);
        }
        if (!active) revert MeterInactive(meterId);
    }

    function _credit(address account, uint256 amount) internal {
        if (amount != 0) vault.credit(account, amount);
    }

    /// @dev Base units of `energy` at a price per kWh.
    function _moneyUp(uint256 energy, uint256 price) internal view returns (uint256) {
        unchecked {
            return _divUp(energy * price, _unitsPerKWh);
        }
    }

    function _moneyDown(uint256 energy, uint256 price) internal view returns (uint256) {
        unchecked {
            return (energy * price) / _unitsPerKWh;
        }
    }

    function _divUp(uint256 value, uint256 divisor) internal pure returns (uint256) {
        unchecked {
            return (value + divisor - 1) / divisor;
        }
    }

    function _currentSlot() internal view returns (uint40) {
        return _slotOf(block.timestamp);
    }

    /// @dev Slot s is (s·D, (s+1)·D].
    function _slotOf(uint256 timestamp) internal view returns (uint40) {
        unchecked {
            return uint40((timestamp - 1) / _slotDuration);
        }
    }

    function _startOf(uint40 slot) internal view returns (uint256) {
        unchecked {
            return slot * _slotDuration;
        }
    }

    function _endOf(uint40 slot) internal view returns (uint256) {
        unchecked {
            return _startOf(slot) + _slotDuration;
        }
    }
}
