// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title An account of a contract for tests, which receives certificates as it likes
contract HostileReceiver {
    enum Mood {
        Accept,
        Refuse,
        BurnGas,
        ReturnBomb,
        Reenter
    }

    Mood public mood;
    address internal _target;
    bytes internal _data;
    /// @notice What the last call out of a receipt ended with; stays false when the receipt itself was undone.
    bool public succeeded;
    bytes public returned;

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    /// @notice What to call on a receipt in the mood `Reenter`.
    function arm(address target, bytes calldata data) external {
        (mood, _target, _data) = (Mood.Reenter, target, data);
    }

    /// @notice Acts as this account.
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        // An account that can do anything.
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = target.call(data);
        if (!ok) _revertWith(answer);
        return answer;
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external virtual returns (bytes4) {
        if (mood == Mood.Refuse) return bytes4(0);
        if (mood == Mood.BurnGas) {
            uint256 waste;
            while (true) waste++;
        }
        if (mood == Mood.ReturnBomb) _revertWith(new bytes(30_000));
        // The attack itself.
        // solhint-disable-next-line avoid-low-level-calls
        if (mood == Mood.Reenter) (succeeded, returned) = _target.call(_data);
        return this.onERC1155Received.selector;
    }

    function _revertWith(bytes memory answer) private pure {
        // The only way to hand on somebody else's error.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}
