// What the process that hashes asks of Linux: the least of its own place, and the end of what it may do.
#pragma once
