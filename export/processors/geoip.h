// Where addresses are, and whose they are: geo.* and as.* by MaxMind databases (spanbeat.geoip; not Packetbeat's).
//
// What:   looks source, destination, client and server addresses up in databases of any edition (City, Country, ASN …)
// and
//         sets ENDS.geo.* and ENDS.as.* as ECS has them. It runs before all processors, so that they can use what it
//         sets.
// Why:    in Packetbeat's world an ingest pipeline does this; Kafka and Logstash have none.
// Limits: the files are mapped and read; a database that is replaced is seen at the next start. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "export/processors/processors.h"

namespace spanbeat {

// Null, with `problem` naming the file and the reason, when one of the databases cannot be read.
[[nodiscard]] std::unique_ptr<Processor> make_geoip(const std::vector<std::string>& databases, std::string& problem);

}  // namespace spanbeat
