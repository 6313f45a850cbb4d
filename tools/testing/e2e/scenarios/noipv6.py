# SPDX-License-Identifier: GPL-2.0
"""A guest whose administrator has switched IPv6 off altogether."""
from guests import HV_KVP, IP, Setup
from hvhost import testnic
from hvhost.kvpwire import AUTO, FAMILY_NONE, FAMILY_V4, FAMILY_V6
from scenario import Test, scenario


@scenario(Setup(nics=1, cmdline="ipv6.disable=1"), guests=(HV_KVP,))
def everything_else_works(t: Test) -> None:
    """There are no IPv6 addresses and routes, and no structures for them."""
    t.equal(t.sh("ls /proc/net/if_inet6 2>/dev/null; true"), "", "IPv6")
    t.sh(f"{IP} link set eth0 up; {IP} addr add 192.0.2.10/24 dev eth0; "
         f"{IP} route add default via 192.0.2.1 dev eth0")
    for versions in ([(3, 0), (4, 0)], [(3, 0), (4, 0), (5, 0)]):
        count = t.kvp.negotiations
        t.kvp.negotiate(versions)
        t.kvp.wait_ready(20, count + 1)
        info = t.kvp.get_ip_info(testnic.mac(0))
        t.equal([str(a) for a in info.addresses], ["192.0.2.10/24"])
        t.equal([str(g) for g in info.gateways], ["192.0.2.1"])
        t.equal(info.family, FAMILY_V4)
        # the string form has both families, whichever is asked for
        asked = t.kvp.get_ip_info(testnic.mac(0), FAMILY_V6)
        t.equal((asked.addresses, asked.gateways, asked.family),
                ([], [], FAMILY_NONE) if versions[-1] == (5, 0) else
                (info.addresses, info.gateways, info.family))
    t.equal(t.kvp.get(AUTO, "NetworkAddressIPv4").value, "192.0.2.10")
    t.equal(t.kvp.get(AUTO, "NetworkAddressIPv6").value, "")
