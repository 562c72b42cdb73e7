// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HostileReceiver} from "../../contracts/dev/HostileReceiver.sol";

/// @title A hostile receiver that says in the log when it re-enters and what came of it
/// @notice Once per transaction it is inside; what reaches it meanwhile it accepts.
contract Accomplice is HostileReceiver {
    event Entered();
    event Left(bytes call, bool ok, bytes answer);

    bool private transient _inside;

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external override returns (bytes4) {
        if (mood == Mood.Refuse) return bytes4(0);
        if (mood == Mood.Reenter && !_inside) {
            _inside = true;
            emit Entered();
            // The attack itself.
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory answer) = _target.call(_data);
            emit Left(_data, ok, answer);
            _inside = false;
        }
        return this.onERC1155Received.selector;
    }
}
