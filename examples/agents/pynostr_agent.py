# pynostr, which cannot log in (docs/agents.md):
#
#   pip install pynostr==0.7.0
#   python examples/agents/pynostr_agent.py ws://127.0.0.1:7447 agent.key [calls]
import sys
import time

from pynostr.event import Event
from pynostr.filters import Filters, FiltersList
from pynostr.key import PrivateKey
from pynostr.relay_manager import RelayManager


def main(url: str, key_file: str, calls: str = "10") -> None:
    with open(key_file) as file:
        key = PrivateKey.from_nsec(file.read().strip())
    for call in range(1, int(calls) + 1):
        started_at = time.perf_counter()
        note = Event(content=f"call {call}")
        note.sign(key.hex())
        # The library ends the connection after EOSE: one manager for each exchange.
        manager = RelayManager(timeout=5)
        manager.add_relay(url)
        manager.publish_event(note)
        manager.add_subscription_on_all_relays("note", FiltersList([Filters(ids=[note.id])]))
        manager.run_sync()
        found = [message.event.content for message in manager.message_pool.get_all_events()]
        manager.close_connections()
        print(f"{found} in {round((time.perf_counter() - started_at) * 1000)} ms", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
