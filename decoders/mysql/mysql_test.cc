#include "decoders/mysql/mysql.h"

#include <gtest/gtest.h>

#include "decoders/testing/harness.h"

namespace spanbeat::testing {
namespace {
}  // namespace
}  // namespace spanbeat::testing
