# Publishes a signed job with Python: pip install cryptography nats-py
#   python3 submit.py KEY.pem TENANT < job.json
import asyncio, base64, hashlib, os, sys
from cryptography.hazmat.primitives import serialization as ser


def signature(key_pem: bytes, tenant: str, job: bytes) -> str:
    key = ser.load_pem_private_key(key_pem, password=None)
    spki = key.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
    kind = f"application/vnd.isolane.job.v1+json;tenant={tenant}".encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(job), job)
    return f"{hashlib.sha256(spki).hexdigest()} {base64.b64encode(key.sign(pae)).decode()}"


async def main(key_file: str, tenant: str) -> None:
    import nats

    with open(key_file, "rb") as f:
        job, pem = sys.stdin.buffer.read(), f.read()
    nc = await nats.connect(os.environ["NATS_URL"])
    header = {"Isolane-Signature": signature(pem, tenant, job)}
    print(await nc.jetstream().publish(f"isolane.jobs.{tenant}.normal", job, headers=header))
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
