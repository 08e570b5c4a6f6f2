# pip install nostr-sdk==0.45.1
# python examples/connect/python.py wss://relay.example.com agent.key
import asyncio
import sys

from nostr_sdk import (
    ClientBuilder, ClientNotification, EventBuilder, Filter, Keys, Kind, RelayUrl, ReqTarget, SignerAuthenticator, Tag,
    uniffi_set_event_loop,
)


async def main(url: str, key_file: str) -> None:
    # The login is signed in a thread of the library, which must know where Python's code runs.
    uniffi_set_event_loop(asyncio.get_running_loop())
    with open(key_file) as file:
        keys = Keys.parse(file.read().strip())
    # Without an authenticator it does not log in.
    client = ClientBuilder().authenticator(SignerAuthenticator(keys)).build()
    await client.add_relay(RelayUrl.parse(url))
    await client.connect()

    notifications = client.notifications()
    await client.subscribe(ReqTarget.auto([Filter().kind(Kind(1)).hashtag("hello")]))
    note = EventBuilder(Kind(1), "from Python").tags([Tag.hashtag("hello")]).finalize(keys)
    await client.send_event(note)
    while (notification := await notifications.next()) is not None:
        if isinstance(notification, ClientNotification.NEW_EVENT):
            print(notification.event.content(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
