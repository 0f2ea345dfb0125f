#!/usr/bin/env python3
"""Makes the databases of the GeoIP tests, place.mmdb and owner.mmdb: documentation networks only. Needs the Python package mmdb_writer."""
import os

from mmdb_writer import MMDBWriter
from netaddr import IPSet

HERE = os.path.dirname(os.path.abspath(__file__))
PLACES = {
    "192.0.2.0/24": {"continent": {"code": "EU", "names": {"en": "Europe"}}, "country": {"iso_code": "DE", "names": {"en": "Germany"}},
                     "city": {"names": {"en": "Dresden"}}, "postal": {"code": "01067"}, "subdivisions": [{"iso_code": "SN", "names": {"en": "Saxony"}}],
                     "location": {"latitude": 51.05, "longitude": 13.75, "time_zone": "Europe/Berlin"}},
    "2001:db8::/32": {"country": {"iso_code": "SE", "names": {"en": "Sweden"}}},
}
OWNERS = {"198.51.100.0/24": {"autonomous_system_number": 64496, "autonomous_system_organization": "Example Networks"}}

for name, kind, networks in (("place", "GeoLite2-City", PLACES), ("owner", "GeoLite2-ASN", OWNERS)):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind, languages=["en"], description="test", int_type="u32", float_type="f64")
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(os.path.join(HERE, name + ".mmdb"))
