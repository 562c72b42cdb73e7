"""An independent Modbus device: python3-pymodbus with the registers that standard input describes, until it closes.

{"serial": PATH, "baudRate": N} or {"tcp": PORT}, and {"units": {"1": {"input": {"72": [1, 2]}, "holding": {}, "coils": {}}}}
A unit that is not described stays silent, as on a wire. Prints "ready" once it listens.
"""
import asyncio
import json
import logging
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer


def block(values):
    cells = {int(start) + i: value for start, cells in values.items() for i, value in enumerate(cells)}
    return ModbusSparseDataBlock(cells or {0: 0})


def context(units):
    def slave(tables):
        return ModbusSlaveContext(
            ir=block(tables.get("input", {})),
            hr=block(tables.get("holding", {})),
            co=block(tables.get("coils", {})),
            di=block({}),
            zero_mode=True,
        )

    return ModbusServerContext({int(unit): slave(tables) for unit, tables in units.items()}, single=False)


async def main():
    config = json.loads(sys.stdin.readline())
    options = {"context": context(config["units"]), "ignore_missing_slaves": True, "defer_start": True}
    if "serial" in config:
        options |= {"framer": ModbusRtuFramer, "port": config["serial"], "baudrate": config["baudRate"]}
        server = await StartAsyncSerialServer(**options)
        await server.start()
        asyncio.create_task(server.serve_forever())
    else:
        server = await StartAsyncTcpServer(address=("127.0.0.1", config["tcp"]), **options)
        asyncio.create_task(server.serve_forever())
        await server.serving
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


logging.disable(logging.CRITICAL)
asyncio.run(main())
