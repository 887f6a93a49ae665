"""Real servers from Debian, on loopback, each in a directory of its own and killed at the end."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.checks.servers import CERTIFICATE, free_port
from tests.patience import PATIENCE

_SYSTEM = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Where a program is; skips the test, and says so, where it is missing."""
    found = shutil.which(name, path=_SYSTEM)
    if found is None:
        pytest.skip(f"{name} is not installed (scripts/install-system-packages installs it)")
    return found


@contextmanager
def directory() -> Iterator[Path]:
    """A new directory that servers which give up root can read too."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground, once it accepts connections at a port of 127.0.0.1."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        until = time.monotonic() + PATIENCE
        while True:
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended: {process.stderr.read()[-2000:].decode()}")
            with closing(socket.socket()) as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until, f"{command[0]} does not listen"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stderr.close()


@contextmanager
def nginx(server: str) -> Iterator[tuple[int, int]]:
    """nginx with these directives in its server: the ports of HTTP and HTTPS."""
    plain, tls = free_port(), free_port()
    with directory() as home:
        (home / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {home}/pid; error_log stderr;
            events {{}}
            http {{
              access_log off; client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
              uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
              server {{
                listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;
                ssl_certificate {CERTIFICATE}; ssl_certificate_key {CERTIFICATE};
                {server}
              }}
            }}""")
        with running([program("nginx"), "-e", "stderr", "-p", str(home), "-c", str(home / "nginx.conf")], plain):
            yield plain, tls


@contextmanager
def tinyproxy() -> Iterator[int]:
    """An HTTP proxy that grants tunnels to every port."""
    port = free_port()
    with directory() as home:
        (home / "conf").write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 10\nMaxClients 10\nStartServers 1\n")
        with running([program("tinyproxy"), "-d", "-c", str(home / "conf")], port):
            yield port


@contextmanager
def dnsmasq() -> Iterator[int]:
    """A DNS server with authority over ``lb.test``; queries for other names are refused."""
    port = free_port()
    with directory() as home:
        options = f"""
            port={port}
            listen-address=127.0.0.1
            bind-interfaces
            no-resolv
            no-hosts
            pid-file={home}/pid
            user=root
            auth-server=ns.lb.test,127.0.0.1
            auth-zone=lb.test
            auth-soa=1
            host-record=www.lb.test,192.0.2.1,2001:db8::1
            txt-record=www.lb.test,hello
            mx-host=www.lb.test,mail.lb.test,10
        """
        (home / "conf").write_text("\n".join(line.strip() for line in options.splitlines()))
        with running([program("dnsmasq"), "--keep-in-foreground", f"--conf-file={home}/conf"], port):
            yield port


@contextmanager
def rsyslogd() -> Iterator[tuple[int, Path]]:
    """A syslog daemon for UDP and TCP at one port, and the file it writes messages to, one a line."""
    port = free_port()
    with directory() as home:
        (home / "conf").write_text(f"""
            global(workDirectory="{home}")
            module(load="imudp")
            module(load="imtcp")
            input(type="imudp" address="127.0.0.1" port="{port}")
            input(type="imtcp" address="127.0.0.1" port="{port}")
            template(name="plain" type="string" string="%pri% %programname%:%msg%\\n")
            action(type="omfile" file="{home}/messages" template="plain" asyncWriting="off" flushOnTXEnd="on")
            """)
        command = [program("rsyslogd"), "-n", "-iNONE", "-f", str(home / "conf")]
        with running(command, port):
            yield port, home / "messages"
