#include "decoders/dns/dns.h"
