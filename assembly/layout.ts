// SPDX-License-Identifier: Apache-2.0
/**
 * Every structure in the engine's linear memory, described once. AssemblyScript and TypeScript both import this file, so
 * it holds plain constants only; it is long because nothing about memory may stand anywhere else. Offsets and widths are
 * bytes; integers are little-endian; records are 8-byte aligned when they hold an f64 or u64 and 4-byte aligned otherwise.
 *
 *   memory    | 0 null guard | module data | control block | cluster states | endpoint states | thread slabs | arena |
 *
 * The control block says where the later regions begin, because their sizes are chosen at start. The arena holds the
 * generations of rule tables: contiguous blobs, position-independent (every offset inside a blob counts from its start).
 */

/** Bumped with every change of this file; a table file or module of another version is refused. */
export const LAYOUT_VERSION = 3;
export const TABLE_MAGIC = 0x54464557; // "WEFT"

// ---------------------------------------------------------------------------------------------------------------------
// Control block. One per memory, written by the main thread before any other thread attaches.
//
//  offset width name                    meaning
//   0     u32   magic                   TABLE_MAGIC once initialised
//   4     u32   version                 LAYOUT_VERSION
//   8     u32   clusterCapacity         number of cluster states
//  12     u32   endpointCapacity        number of endpoint states
//  16     u32   threadCapacity          number of slabs
//  20     u32   clusterStates           offset of cluster state 0
//  24     u32   endpointStates          offset of endpoint state 0
//  28     u32   slabs                   offset of slab 0
//  32     u32   slabSize                bytes per slab
//  36     u32   arena                   offset of the arena
//  40     u32   arenaEnd                end of memory
//  44     i32   currentGeneration       atomic; generation slot that new requests use, -1 before the first publish
//  48     u32   exchangeCapacity        exchange records per slab
//  52     u32   connectionCapacity      connection records per slab
//  56     u32   seriesCapacity          metric series per slab
//  60     u32   maxHeadBytes            limit for a request head, at most MAX_HEAD_BYTES
//  64           generation slots        GENERATION_SLOTS records of GENERATION_SIZE
// 1088    u32   maxRequestHeaders       limit for the fields of a request, at most MAX_HEADERS
// 1092    i32   maxConnections          client connections of one listener over all threads, 0 = no limit
// 4096          listener connections    i32 each, atomic: client connections of LISTENER_CAPACITY listeners over all threads
// ---------------------------------------------------------------------------------------------------------------------
export const CONTROL_BASE = 65536;
export const CONTROL_SIZE = 8192;
export const CONTROL_MAGIC = 0;
export const CONTROL_VERSION = 4;
export const CONTROL_CLUSTER_CAPACITY = 8;
export const CONTROL_ENDPOINT_CAPACITY = 12;
export const CONTROL_THREAD_CAPACITY = 16;
export const CONTROL_CLUSTER_STATES = 20;
export const CONTROL_ENDPOINT_STATES = 24;
export const CONTROL_SLABS = 28;
export const CONTROL_SLAB_SIZE = 32;
export const CONTROL_ARENA = 36;
export const CONTROL_ARENA_END = 40;
export const CONTROL_CURRENT_GENERATION = 44;
export const CONTROL_EXCHANGE_CAPACITY = 48;
export const CONTROL_CONNECTION_CAPACITY = 52;
export const CONTROL_SERIES_CAPACITY = 56;
export const CONTROL_MAX_HEAD_BYTES = 60;
export const CONTROL_GENERATIONS = 64;
export const CONTROL_MAX_REQUEST_HEADERS = 1088;
export const CONTROL_MAX_CONNECTIONS = 1092;
export const CONTROL_LISTENER_CONNECTIONS = 4096;
/** Listener addresses that one process can have had; each keeps its slot, because its counters count on. */
export const LISTENER_CAPACITY = 1024;

// Generation slot: base u32, length u32, references i32 (atomic; exchanges that run on it), serial u32.
export const GENERATION_SLOTS = 64;
export const GENERATION_SIZE = 16;
export const GENERATION_BASE = 0;
export const GENERATION_LENGTH = 4;
export const GENERATION_REFERENCES = 8;
export const GENERATION_SERIAL = 12;

// ---------------------------------------------------------------------------------------------------------------------
// Cluster state: what must be exact over all threads and survive a reload. All fields atomic.
//
//   0     i32   activeConnections       connections open or being opened
//   4     i32   pendingRequests         requests that wait for a connection
//   8     i32   activeRequests          requests admitted and not finished
//  12     i32   activeRetries           retries in progress
//  16     u32   cursor                  round-robin position
//  20     i32   connectionWaiters       pending requests that wait because of maxConnections
//  24           reserved                up to 32
//  32     f64   tokens                  token bucket fill (local rate limit; later)
//  40     f64   tokensAtMs              when it was filled last (later)
//  48           reserved                up to 128
// ---------------------------------------------------------------------------------------------------------------------
export const CLUSTER_STATE_SIZE = 128;
export const CLUSTER_ACTIVE_CONNECTIONS = 0;
export const CLUSTER_PENDING_REQUESTS = 4;
export const CLUSTER_ACTIVE_REQUESTS = 8;
export const CLUSTER_ACTIVE_RETRIES = 12;
export const CLUSTER_CURSOR = 16;
export const CLUSTER_CONNECTION_WAITERS = 20;
export const CLUSTER_TOKENS = 32;
export const CLUSTER_TOKENS_AT_MS = 40;

// Endpoint state: 0 i32 activeRequests, 4 i32 activeConnections, 8 u32 requestsTotal, 12 u32 failuresTotal,
// 16..64 reserved (ejection, consecutive errors). All atomic.
export const ENDPOINT_STATE_SIZE = 64;
export const ENDPOINT_ACTIVE_REQUESTS = 0;
export const ENDPOINT_ACTIVE_CONNECTIONS = 4;
export const ENDPOINT_REQUESTS_TOTAL = 8;
export const ENDPOINT_FAILURES_TOTAL = 12;

// ---------------------------------------------------------------------------------------------------------------------
// Thread slab. One per data-path thread; only its thread writes it (the main thread reads statistics, and releases what
// a dead thread held).
//
//       0        result record          RESULT_*, what the last call decided
//     256        request record         REQUEST_*, filled by parseRequestHead
//     512        response record        RESPONSE_*, filled by parseResponseHead
//     768        facts record           FACT_*, what the host knows of the exchange
//    1024        request header table   MAX_HEADERS rows
//    9216        response header table  MAX_HEADERS rows
//   17408        host-answer memo       where to go on after a pattern that has no DFA, MEMO_* (1024 bytes)
//   18432        scratch                normalised path, lower-cased host, expanded values (SCRATCH_SIZE)
//   then         input                  heads that the host writes (INPUT_SIZE)
//   then         read                   what sockets read into (READ_SIZE)
//   then         output                 heads that the engine writes (OUTPUT_SIZE)
//   then         match                  the matcher's cursors (MATCH_SIZE)
//   then         listener counters      LISTENER_CAPACITY * LISTENER_COUNTERS_SIZE
//   then         cluster counters       clusterCapacity * CLUSTER_COUNTERS_SIZE
//   then         exchanges, connections, series index, series
// ---------------------------------------------------------------------------------------------------------------------
export const SLAB_RESULT = 0;
/** u32 each, written by the thread: requests under way, upstream connections open. */
export const SLAB_ACTIVE_EXCHANGES = 240;
export const SLAB_ACTIVE_CONNECTIONS = 244;
/** u32: series rows in use, row 0 included. */
export const SLAB_SERIES_COUNT = 248;
/** u32, written by the thread: 1 + client connections open; 0 = it accepts none (AcceptBalance). */
export const SLAB_CLIENT_CONNECTIONS = 252;
export const SLAB_REQUEST = 256;
export const SLAB_RESPONSE = 512;
export const SLAB_FACTS = 768;
export const SLAB_REQUEST_HEADERS = 1024;
export const SLAB_RESPONSE_HEADERS = 9216;
export const SLAB_MEMO = 17408;
export const SLAB_SCRATCH = 18432;
export const SCRATCH_SIZE = 147456;
export const SLAB_INPUT = 165888;
export const INPUT_SIZE = 131072;
export const SLAB_READ = 296960;
export const READ_SIZE = 65536;
export const SLAB_OUTPUT = 362496;
export const OUTPUT_SIZE = 327680;
export const SLAB_MATCH = 690176;
export const MATCH_SIZE = 81920;
export const SLAB_LISTENER_COUNTERS = 772096;
export const SLAB_CLUSTER_COUNTERS = 837632;

// The input region: partial response heads, saved request heads, and the strings of the facts record.
export const INPUT_RESPONSE = 0;
export const INPUT_RESPONSE_SIZE = 65536;
export const INPUT_REQUEST = 65536;
export const INPUT_REQUEST_SIZE = 61440;
export const INPUT_FACTS = 126976;
export const INPUT_FACTS_SIZE = 4096;

/**
 * Envoy's limits for a head: 60 KiB and 100 fields. The control block has those for requests, which may be less bytes, and
 * up to MAX_HEADERS fields, as many as a table has rows; a response has these.
 */
export const MAX_HEAD_BYTES = 61440;
export const DEFAULT_MAX_HEADERS = 100;
export const MAX_HEADERS = 256;

// Header row: 0 u32 nameOffset, 4 u32 nameLength, 8 u32 nameHash (FNV-1a of the lower-cased name), 12 u32 valueOffset,
// 16 u32 valueLength (outer white space removed), 20 u32 nameId (HEADER_*; 0 = not one of those), 24..32 reserved.
// Offsets are absolute in linear memory. Names are compared and forwarded in lower case.
export const HEADER_ROW_SIZE = 32;
export const HEADER_NAME_OFFSET = 0;
export const HEADER_NAME_LENGTH = 4;
export const HEADER_NAME_HASH = 8;
export const HEADER_VALUE_OFFSET = 12;
export const HEADER_VALUE_LENGTH = 16;
export const HEADER_NAME_ID = 20;

// Request record (offsets absolute in linear memory, lengths in bytes).
export const REQUEST_METHOD_OFFSET = 0;
export const REQUEST_METHOD_LENGTH = 4;
/** METHOD_*, 0 = another. */
export const REQUEST_METHOD_ID = 8;
/** The request target as received. */
export const REQUEST_TARGET_OFFSET = 12;
export const REQUEST_TARGET_LENGTH = 16;
/** Without query; normalised once normalizePath has run. */
export const REQUEST_PATH_OFFSET = 20;
export const REQUEST_PATH_LENGTH = 24;
/** Without the question mark; REQUEST_HAS_QUERY tells `/a?` from `/a`. */
export const REQUEST_QUERY_OFFSET = 28;
export const REQUEST_QUERY_LENGTH = 32;
export const REQUEST_HAS_QUERY = 36;
/** The Host as received. */
export const REQUEST_AUTHORITY_OFFSET = 40;
export const REQUEST_AUTHORITY_LENGTH = 44;
/** Lower case, without a port; what virtual hosts are looked up by. */
export const REQUEST_HOST_OFFSET = 48;
export const REQUEST_HOST_LENGTH = 52;
/** 0 http, 1 https. */
export const REQUEST_SCHEME = 56;
/** 10 or 11. */
export const REQUEST_VERSION = 60;
/** BODY_*. */
export const REQUEST_BODY_KIND = 64;
/** f64, valid with BODY_LENGTH. */
export const REQUEST_CONTENT_LENGTH = 72;
/** REQUEST_FLAG_* bits. */
export const REQUEST_FLAGS = 80;
export const REQUEST_HEADER_COUNT = 84;
/** Bytes of the head, for istio_request_bytes. */
export const REQUEST_HEAD_LENGTH = 88;

export const REQUEST_FLAG_CLOSE = 1;
export const REQUEST_FLAG_EXPECT_CONTINUE = 2;
export const REQUEST_FLAG_UPGRADE = 4;
export const REQUEST_FLAG_GRPC = 8;
export const REQUEST_FLAG_TE_TRAILERS = 16;
/** The upgrade asked for is `websocket`. */
export const REQUEST_FLAG_WEBSOCKET = 32;
/** Connection names fields that belong to it. */
export const REQUEST_FLAG_NAMED_OPTIONS = 64;
/** OPTIONS with Max-Forwards 0: not to be forwarded (RFC 9110 7.6.2). */
export const REQUEST_FLAG_LAST_HOP = 128;

export const METHOD_GET = 1;
export const METHOD_HEAD = 2;
export const METHOD_POST = 3;
export const METHOD_PUT = 4;
export const METHOD_DELETE = 5;
export const METHOD_OPTIONS = 6;
export const METHOD_PATCH = 7;
export const METHOD_CONNECT = 8;
export const METHOD_TRACE = 9;

export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
/** Responses only: the body ends with the connection. */
export const BODY_UNTIL_CLOSE = 3;
/** Responses only: a 101 to WebSocket; what follows its head is no longer HTTP. */
export const BODY_TUNNEL = 4;

// Response record.
export const RESPONSE_STATUS = 0;
export const RESPONSE_REASON_OFFSET = 4;
export const RESPONSE_REASON_LENGTH = 8;
/** BODY_*; BODY_NONE for HEAD, 204, 304 and 1xx other than a switch to WebSocket. */
export const RESPONSE_BODY_KIND = 12;
/** f64; for HEAD the length that GET would have, -1 when absent. */
export const RESPONSE_CONTENT_LENGTH = 16;
export const RESPONSE_VERSION = 24;
/** 1 when the upstream connection may be used again after this message. */
export const RESPONSE_KEEP_ALIVE = 28;
export const RESPONSE_HEADER_COUNT = 32;
export const RESPONSE_HEAD_LENGTH = 36;
/** Seconds of `Keep-Alive: timeout=`, 0 = not said. */
export const RESPONSE_KEEP_ALIVE_TIMEOUT = 40;
/** 1 when Connection names fields that belong to it. */
export const RESPONSE_NAMED_OPTIONS = 44;

// Facts record: pairs of (u32 offset, u32 length) that the host fills, absolute in linear memory; length 0 = unknown.
export const FACT_DOWNSTREAM_REMOTE = 0; // "ip:port"
export const FACT_DOWNSTREAM_REMOTE_IP = 8;
export const FACT_DOWNSTREAM_LOCAL = 16;
export const FACT_DOWNSTREAM_LOCAL_IP = 24;
export const FACT_DOWNSTREAM_LOCAL_PORT = 32;
export const FACT_UPSTREAM_REMOTE = 40;
export const FACT_UPSTREAM_CLUSTER = 48;
export const FACT_START_TIME = 56;
export const FACT_ROUTE_NAME = 64;
/** A path that the host computed (regex rewrite); length 0 = none. Query not included. */
export const FACT_REWRITTEN_PATH = 72;
/** u32 milliseconds for x-envoy-upstream-service-time. */
export const FACT_UPSTREAM_SERVICE_MS = 80;
/** u32; 1 = the request came over TLS. */
export const FACT_DOWNSTREAM_TLS = 84;
/** x-weft-reason to be sent with the response; length 0 = none. */
export const FACT_REASON = 88;
/** Value of x-forwarded-client-cert; length 0 = the client has shown no certificate. */
export const FACT_CLIENT_CERTIFICATE = 104;
/** The request's Origin where its route's CORS policy allows it; length 0 otherwise. Set for routes with such a policy only. */
export const FACT_CORS_ORIGIN = 112;
/** The Date for a complete response head whose upstream sent none (RFC 9110 6.6.1). */
export const FACT_DATE = 96;

// ---------------------------------------------------------------------------------------------------------------------
// Result record: what routeRequest decided.
// ---------------------------------------------------------------------------------------------------------------------
export const RESULT_VIRTUAL_HOST = 0; // index, -1 none
export const RESULT_ROUTE = 4; // index in the whole table, -1 none
export const RESULT_WEIGHTED = 8; // index of the weighted cluster drawn, -1 none
export const RESULT_CLUSTER = 12; // index, -1 = named but missing
export const RESULT_DELAY_MS = 16; // drawn; 0 = none
export const RESULT_ABORT_STATUS = 20; // drawn; 0 = none
export const RESULT_TIMEOUT_MS = 24;
export const RESULT_RETRY_ATTEMPTS = 28;
export const RESULT_REWRITE_KIND = 32; // REWRITE_*
// For ASK_HOST: which pattern, and the bytes to run it on.
export const RESULT_PATTERN = 36;
export const RESULT_SUBJECT_OFFSET = 40;
export const RESULT_SUBJECT_LENGTH = 44;
// decodeChunked: bytes of input taken, 1 when the last chunk and trailers have been read.
export const RESULT_CONSUMED = 48;
export const RESULT_DONE = 52;
/** Bytes of the trailer section that the last decodeChunked call took: where they lie, and how many. */
export const RESULT_TRAILERS_OFFSET = 56;
export const RESULT_TRAILERS_LENGTH = 60;

/** Decisions of routeRequest; below zero is a failure number. */
export const DECISION_FORWARD = 1;
export const DECISION_REDIRECT = 2;
export const DECISION_DIRECT = 3;
/** A pattern that has no DFA: the host runs it, calls answerPattern, and calls routeRequest again. */
export const DECISION_ASK_HOST = 4;

// ---------------------------------------------------------------------------------------------------------------------
// Exchange record: one request on its way; what it holds, so that a dead thread's leftovers can be released.
// ---------------------------------------------------------------------------------------------------------------------
export const EXCHANGE_SIZE = 96;
export const EXCHANGE_IN_USE = 0;
/** Generation slot held, -1 = none. */
export const EXCHANGE_GENERATION = 4;
/** HELD_* bits. */
export const EXCHANGE_HELD = 8;
export const EXCHANGE_CLUSTER_SLOT = 12;
export const EXCHANGE_ENDPOINT_SLOT = 16;
export const EXCHANGE_ROUTE = 20;
export const EXCHANGE_WEIGHTED = 24;
export const EXCHANGE_CLUSTER = 28;
export const EXCHANGE_ENDPOINT = 32;
/** 1 for the first try. */
export const EXCHANGE_ATTEMPT = 36;
/** Status sent to the client, 0 = none. */
export const EXCHANGE_STATUS = 40;
/** FLAG_* bits of the access log. */
export const EXCHANGE_FLAGS = 44;
/** f64 each. */
export const EXCHANGE_REQUEST_BYTES = 48;
export const EXCHANGE_RESPONSE_BYTES = 56;
export const EXCHANGE_WORKLOAD_SLOT = 64;
/** 1 = gRPC. */
export const EXCHANGE_PROTOCOL = 68;

export const HELD_REQUEST = 1;
export const HELD_PENDING = 2;
export const HELD_RETRY = 4;
export const HELD_ENDPOINT = 8;
export const HELD_WAITER = 16;

// Connection record: 0 u32 inUse (CONNECTION_*_SIDE, 0 = free), 4 u32 clusterSlot (of a client's: listener slot), 8 u32
// endpointSlot, 12 u32 chunkState, 16 f64 chunkRemaining, 24 u32 chunkTrailerBytes, 28 u16 ipLength, 30 u16 addressLength,
// 32 64 bytes address ("ip:port" of a client).
export const CONNECTION_SIZE = 96;
export const CONNECTION_IN_USE = 0;
export const CONNECTION_CLUSTER_SLOT = 4;
export const CONNECTION_ENDPOINT_SLOT = 8;
export const CONNECTION_CHUNK_STATE = 12;
export const CONNECTION_CHUNK_REMAINING = 16;
export const CONNECTION_CHUNK_TRAILER_BYTES = 24;
export const CONNECTION_IP_LENGTH = 28;
export const CONNECTION_ADDRESS_LENGTH = 30;
export const CONNECTION_ADDRESS = 32;
export const CONNECTION_ADDRESS_SIZE = 64;
export const CONNECTION_UPSTREAM_SIDE = 1;
export const CONNECTION_CLIENT_SIDE = 2;

// Per-thread counters of a cluster, f64 each; summed by the main thread when scraped.
export const CLUSTER_COUNTERS_SIZE = 192;
export const COUNTER_CX_TOTAL = 0;
export const COUNTER_CX_CONNECT_FAIL = 8;
export const COUNTER_CX_CONNECT_TIMEOUT = 16;
export const COUNTER_CX_OVERFLOW = 24;
export const COUNTER_CX_DESTROY_WITH_ACTIVE_RQ = 32;
export const COUNTER_RQ_TOTAL = 40;
export const COUNTER_RQ_PENDING_TOTAL = 48;
export const COUNTER_RQ_PENDING_OVERFLOW = 56;
export const COUNTER_RQ_TIMEOUT = 64;
export const COUNTER_RQ_RETRY = 72;
export const COUNTER_RQ_RETRY_OVERFLOW = 80;
export const COUNTER_RX_BYTES = 88;
export const COUNTER_TX_BYTES = 96;
export const COUNTER_CX_MAX_REQUESTS = 104;
export const COUNTER_CX_IDLE_TIMEOUT = 112;
export const COUNTER_RQ_CANCELLED = 120;
export const COUNTER_RQ_RETRY_SUCCESS = 128;
export const COUNTER_RQ_RETRY_LIMIT_EXCEEDED = 136;
export const COUNTER_RQ_RETRY_BACKOFF_EXPONENTIAL = 144;
export const COUNTER_RQ_PER_TRY_TIMEOUT = 152;
/** Copies sent for mirrors, and copies given up because the cluster or the connection could not take them. */
export const COUNTER_RQ_MIRROR = 160;
export const COUNTER_RQ_MIRROR_DROPPED = 168;

// Per-thread counters of a listener's client connections, f64 each; summed by the main thread when scraped.
export const LISTENER_COUNTERS_SIZE = 64;
export const LISTENER_CX_TOTAL = 0;
/** Refused because of maxConnections. */
export const LISTENER_CX_OVERFLOW = 8;
/** Refused because the thread has no connection record left. */
export const LISTENER_CX_OVERLOAD_REJECT = 16;
/** Closed for a newcomer of another source. */
export const LISTENER_CX_EVICTED = 24;
export const LISTENER_CX_IDLE_TIMEOUT = 32;
export const LISTENER_RQ_HEADER_TIMEOUT = 40;
export const LISTENER_RQ_TIMEOUT = 48;
export const LISTENER_RQ_IDLE_TIMEOUT = 56;

// ---------------------------------------------------------------------------------------------------------------------
// Metric series: one row per (cluster, workload, status, flags, protocol) that a thread has seen. Numbers are f64, which
// counts exactly up to 2^53 and which JavaScript reads without BigInt. Series 0 takes what no longer fits.
//
//   0  u32 keyLow       cluster slot + 1 (0 = no cluster) | workload slot << 16
//   4  u32 keyHigh      status (10 bits) | flags << 10 (21 bits) | protocol << 31
//   8  f64 count
//  16  f64 durationSumMs, 24 f64 requestBytesSum, 32 f64 responseBytesSum
//  40  f64 durationBuckets[20], 200 requestBytesBuckets[20], 360 responseBytesBuckets[20] (not cumulative)
// ---------------------------------------------------------------------------------------------------------------------
/** Stands for the status in rows of TCP connections: COUNT has those closed then, DURATION_SUM those opened. */
export const SERIES_TCP = 1023;
export const SERIES_SIZE = 520;
/** In the lower half of keyLow, where no cluster has it: the row counts a route with a statPrefix, whose slot is the upper half. */
export const SERIES_OF_ROUTE = 0xffff;
export const SERIES_KEY_LOW = 0;
export const SERIES_KEY_HIGH = 4;
export const SERIES_COUNT = 8;
export const SERIES_DURATION_SUM = 16;
export const SERIES_REQUEST_BYTES_SUM = 24;
export const SERIES_RESPONSE_BYTES_SUM = 32;
export const SERIES_DURATION_BUCKETS = 40;
export const SERIES_REQUEST_BYTES_BUCKETS = 200;
export const SERIES_RESPONSE_BYTES_BUCKETS = 360;
/** Istio's bounds 0.5 .. 3 600 000 and +Inf. */
export const HISTOGRAM_BUCKETS = 20;

// Response flags (Envoy's access-log letters) as bits.
export const FLAG_UH = 1;
export const FLAG_UF = 2;
export const FLAG_UO = 4;
export const FLAG_NR = 8;
export const FLAG_NC = 16;
export const FLAG_URX = 32;
export const FLAG_UT = 64;
export const FLAG_UC = 128;
export const FLAG_UR = 256;
export const FLAG_UPE = 512;
export const FLAG_DC = 1024;
export const FLAG_DI = 2048;
export const FLAG_FI = 4096;
export const FLAG_DPE = 8192;
export const FLAG_LR = 16384;
export const FLAG_OM = 32768;
export const FLAG_SI = 65536;
export const FLAG_DT = 131072;

// ---------------------------------------------------------------------------------------------------------------------
// Failure numbers: what engine calls return below zero. src/proxy/failures.ts has status, flag and body of each.
// ---------------------------------------------------------------------------------------------------------------------
export const FAILURE_NO_ROUTE = -1;
export const FAILURE_CLUSTER_NOT_FOUND = -2;
export const FAILURE_NO_HEALTHY_UPSTREAM = -3;
export const FAILURE_OVERFLOW = -4;
export const FAILURE_CONNECT = -5;
export const FAILURE_CONNECT_TIMEOUT = -6;
export const FAILURE_UPSTREAM_CLOSED = -7;
export const FAILURE_UPSTREAM_PROTOCOL = -8;
export const FAILURE_TIMEOUT = -9;
export const FAILURE_BAD_REQUEST = -10;
export const FAILURE_HEAD_TOO_LARGE = -11;
export const FAILURE_PATH_NORMALIZATION = -12;
export const FAILURE_MISSING_HOST = -13;
export const FAILURE_LOW_VERSION = -14;
export const FAILURE_UPGRADE = -15;
export const FAILURE_DOWNSTREAM_CLOSED = -16;
export const FAILURE_FAULT_ABORT = -17;
export const FAILURE_ENGINE = -18;
export const FAILURE_OUTPUT_FULL = -19;
/** Pending requests have no connection and none may be opened: the caller waits. */
export const WAIT_FOR_CONNECTION = -20;
export const FAILURE_RETRY_OVERFLOW = -21;
export const FAILURE_REMOTE_RESET = -22;
/** The proxy shuts down. */
export const FAILURE_DRAINING = -23;
/** A method that no proxy should pass on (TRACE tells a client what its own proxies added, RFC 9110 9.3.8). */
export const FAILURE_METHOD = -24;
export const FAILURE_PER_TRY_TIMEOUT = -25;
/** The head was not complete in time. */
export const FAILURE_REQUEST_HEADER_TIMEOUT = -30;
/** The whole request had not arrived in time. */
export const FAILURE_REQUEST_TIMEOUT = -31;
/** No byte went either way for too long, while the request was incomplete or while its answer was awaited. */
export const FAILURE_STREAM_IDLE_REQUEST = -32;
export const FAILURE_STREAM_IDLE = -33;
/** The listener has as many client connections as it may have. */
export const LISTENER_FULL = -34;

// ---------------------------------------------------------------------------------------------------------------------
// Rule table. Offsets in it count from the start of the blob; "index" is a record number in the section named.
// The header has (count, offset) for each section.
// ---------------------------------------------------------------------------------------------------------------------
export const TABLE_HEADER_SIZE = 256;
export const TABLE_HEADER_MAGIC = 0;
export const TABLE_HEADER_VERSION = 4;
export const TABLE_HEADER_LENGTH = 8;
export const TABLE_FILTER_CHAINS = 16; // (count, offset) pairs from here on
export const TABLE_VIRTUAL_HOSTS = 24;
export const TABLE_ROUTES = 32;
export const TABLE_WEIGHTED = 40;
export const TABLE_CLUSTERS = 48;
export const TABLE_ENDPOINTS = 56;
export const TABLE_HEADER_OPS = 64;
export const TABLE_TEMPLATE_PARTS = 72;
export const TABLE_STRINGS = 80; // byte pool: (length, offset)
// 88..256: sections of the matcher, see MATCHER below.

// Route record. The first half is what to do, the second (from ROUTE_MATCH on) belongs to the matcher.
//   0 u32 action (DECISION_*)   4 u32 weightedFirst   8 u32 weightedCount   12 u32 weightTotal
//  16 u32 timeoutMs            20 u32 retryAttempts  24 u32 retryConditions (RETRY_* bits)
//  28 u32 delayMs  32 u32 delayPerMillion  36 u32 abortStatus  40 u32 abortPerMillion
//  44 u32 rewriteKind  48 u32 rewriteOffset  52 u32 rewriteLength
//  56 u32 responseOpsFirst  60 u32 responseOpsCount   (redirect and direct response)
//  64 u32 matchedPathLength: bytes of the path that a path rewrite replaces; WHOLE_PATH for exact and regex
//  68 u32 virtualHost index
export const ROUTE_SIZE = 128;
export const ROUTE_ACTION = 0;
export const ROUTE_WEIGHTED_FIRST = 4;
export const ROUTE_WEIGHTED_COUNT = 8;
export const ROUTE_WEIGHT_TOTAL = 12;
export const ROUTE_TIMEOUT_MS = 16;
export const ROUTE_RETRY_ATTEMPTS = 20;
export const ROUTE_RETRY_CONDITIONS = 24;
export const ROUTE_DELAY_MS = 28;
export const ROUTE_DELAY_PER_MILLION = 32;
export const ROUTE_ABORT_STATUS = 36;
export const ROUTE_ABORT_PER_MILLION = 40;
export const ROUTE_REWRITE_KIND = 44;
export const ROUTE_REWRITE_OFFSET = 48;
export const ROUTE_REWRITE_LENGTH = 52;
export const ROUTE_RESPONSE_OPS_FIRST = 56;
export const ROUTE_RESPONSE_OPS_COUNT = 60;
export const ROUTE_MATCHED_PATH_LENGTH = 64;
export const ROUTE_VIRTUAL_HOST = 68;
export const ROUTE_MATCH = 72;
/** Statistics of its own (statPrefix): slot + 1, 0 = none. Filled in when the table is published. */
export const ROUTE_STAT_SLOT = 124;
export const WHOLE_PATH = 0xffffffff;

export const REWRITE_NONE = 0;
export const REWRITE_PATH = 1;
/** The host computes the path (captures need more than a DFA) and puts it in FACT_REWRITTEN_PATH. */
export const REWRITE_REGEX = 2;

export const RETRY_CONNECT_FAILURE = 1;
export const RETRY_REFUSED_STREAM = 2;
export const RETRY_RESET_BEFORE_REQUEST = 4;
export const RETRY_5XX = 8;
export const RETRY_GATEWAY_ERROR = 16;
export const RETRY_RESET = 32;
/** 409 only. */
export const RETRY_4XX = 64;
export const RETRY_STATUS_CODES = 128;
/** Envoy takes the names from a request header that Istio's proxies strip, so there are never any. */
export const RETRY_HEADERS = 256;
export const RETRY_RATELIMITED = 512;
/** Nothing here speaks HTTP/3 to upstreams. */
export const RETRY_HTTP3_POST_CONNECT = 1024;
export const RETRY_GRPC_CANCELLED = 2048;
export const RETRY_GRPC_DEADLINE_EXCEEDED = 4096;
export const RETRY_GRPC_INTERNAL = 8192;
export const RETRY_GRPC_RESOURCE_EXHAUSTED = 16384;
export const RETRY_GRPC_UNAVAILABLE = 32768;
/** Not a condition: requests with side effects are repeated on all of them. */
export const RETRY_REPEATS_UNSAFE = 65536;

// Weighted cluster: 0 i32 cluster index (-1 = no such cluster), 4 u32 cumulativeWeight (inclusive), 8 u32 requestOpsFirst,
// 12 u32 requestOpsCount, 16 u32 responseOpsFirst, 20 u32 responseOpsCount, 24 u32 hostRewriteOffset,
// 28 u32 hostRewriteLength (0 = keep the Host).
export const WEIGHTED_SIZE = 32;
export const WEIGHTED_CLUSTER = 0;
export const WEIGHTED_CUMULATIVE = 4;
export const WEIGHTED_REQUEST_OPS_FIRST = 8;
export const WEIGHTED_REQUEST_OPS_COUNT = 12;
export const WEIGHTED_RESPONSE_OPS_FIRST = 16;
export const WEIGHTED_RESPONSE_OPS_COUNT = 20;
export const WEIGHTED_HOST_OFFSET = 24;
export const WEIGHTED_HOST_LENGTH = 28;

// Header op: 0 u32 op, 4 u32 nameOffset, 8 u32 nameLength, 12 u32 nameHash, 16 u32 partsFirst, 20 u32 partsCount.
export const HEADER_OP_SIZE = 24;
export const HEADER_OP_OP = 0;
export const HEADER_OP_NAME_OFFSET = 4;
export const HEADER_OP_NAME_LENGTH = 8;
export const HEADER_OP_NAME_HASH = 12;
export const HEADER_OP_PARTS_FIRST = 16;
export const HEADER_OP_PARTS_COUNT = 20;
export const OP_REMOVE = 1;
export const OP_SET = 2;
export const OP_ADD = 3;

// Template part: 0 u32 kind (PART_*), 4 u32 textOffset, 8 u32 textLength, 12 u32 alternativeOffset,
// 16 u32 alternativeLength, 20 u32 maxBytes (0 = all). Text is the literal or the header's name.
export const TEMPLATE_PART_SIZE = 24;
export const PART_KIND = 0;
export const PART_TEXT_OFFSET = 4;
export const PART_TEXT_LENGTH = 8;
export const PART_ALTERNATIVE_OFFSET = 12;
export const PART_ALTERNATIVE_LENGTH = 16;
export const PART_MAX_BYTES = 20;
export const PART_LITERAL = 0;
export const PART_REQUEST_HEADER = 1;
export const PART_RESPONSE_HEADER = 2;
export const PART_DOWNSTREAM_REMOTE = 3;
export const PART_DOWNSTREAM_REMOTE_IP = 4;
export const PART_DOWNSTREAM_LOCAL = 5;
export const PART_DOWNSTREAM_LOCAL_IP = 6;
export const PART_DOWNSTREAM_LOCAL_PORT = 7;
export const PART_UPSTREAM_REMOTE = 8;
export const PART_UPSTREAM_CLUSTER = 9;
export const PART_PROTOCOL = 10;
export const PART_START_TIME = 11;
export const PART_ROUTE_NAME = 12;
export const PART_RESPONSE_CODE = 13;
/** Both are nothing unless the origin of the request is allowed (FACT_CORS_ORIGIN): that origin, and a literal. */
export const PART_CORS_ORIGIN = 14;
export const PART_CORS_LITERAL = 15;

// Cluster record. stateSlot is filled in when the table is published.
//   0 u32 stateSlot  4 u32 loadBalancer (LB_*)  8 u32 endpointsFirst  12 u32 endpointsCount (healthy ones first)
//  16 u32 healthyCount  20 u32 maxConnections  24 u32 maxPendingRequests  28 u32 maxRequests  32 u32 maxRetries
//  36 u32 connectTimeoutMs  40 u32 idleTimeoutMs  44 u32 maxRequestsPerConnection
//  48 u32 weightTotal of the healthy endpoints  52 u32 stride (coprime to weightTotal; 0 = all weights equal)
//  64 u32 retryBudget: hundredths of a percent of active and pending requests, NO_RETRY_BUDGET = none
//  68 u32 minRetries allowed by the budget in any case
export const CLUSTER_SIZE = 72;
export const CLUSTER_STATE_SLOT = 0;
export const CLUSTER_LOAD_BALANCER = 4;
export const CLUSTER_ENDPOINTS_FIRST = 8;
export const CLUSTER_ENDPOINTS_COUNT = 12;
export const CLUSTER_HEALTHY_COUNT = 16;
export const CLUSTER_MAX_CONNECTIONS = 20;
export const CLUSTER_MAX_PENDING_REQUESTS = 24;
export const CLUSTER_MAX_REQUESTS = 28;
export const CLUSTER_MAX_RETRIES = 32;
export const CLUSTER_CONNECT_TIMEOUT_MS = 36;
export const CLUSTER_IDLE_TIMEOUT_MS = 40;
export const CLUSTER_MAX_REQUESTS_PER_CONNECTION = 44;
export const CLUSTER_WEIGHT_TOTAL = 48;
export const CLUSTER_STRIDE = 52;
export const CLUSTER_RETRY_BUDGET = 64;
export const CLUSTER_MIN_RETRIES = 68;
export const NO_RETRY_BUDGET = 0xffffffff;
export const LB_ROUND_ROBIN = 0;
export const LB_LEAST_REQUEST = 1;
export const LB_RANDOM = 2;

// Endpoint record: 0 u32 stateSlot (filled in at publish), 4 u32 weight, 8 u32 cumulativeWeight among the cluster's healthy
// endpoints, 12 u32 healthy (0/1), 16 u32 workloadSlot (filled in at publish), 20 u32 addressOffset, 24 u32 addressLength
// (text "ip:port").
export const ENDPOINT_SIZE = 32;
export const ENDPOINT_STATE_SLOT = 0;
export const ENDPOINT_WEIGHT = 4;
export const ENDPOINT_CUMULATIVE_WEIGHT = 8;
export const ENDPOINT_HEALTHY = 12;
export const ENDPOINT_WORKLOAD_SLOT = 16;
export const ENDPOINT_ADDRESS_OFFSET = 20;
export const ENDPOINT_ADDRESS_LENGTH = 24;

// ---------------------------------------------------------------------------------------------------------------------
// MATCHER: filter chains, virtual hosts, path index, conditions, DFAs.
// ---------------------------------------------------------------------------------------------------------------------
// Text (offset, length) counts from the start of the blob and lies in TABLE_STRINGS, whose first five bytes are `https`
// (the subject of scheme conditions). An index field of -1 (0xffffffff) means none. Bytes are compared as UTF-8.
export const TABLE_HOST_SLOTS = 88; // hash slots of exact domains
export const TABLE_HOST_NODES = 96; // reversed trie of suffix wildcards
export const TABLE_HOST_KEYS = 104; // one byte per host node: first byte of its label
export const TABLE_PATH_SLOTS = 112; // hash slots of exact paths
export const TABLE_PATH_NODES = 120; // tries of prefixes
export const TABLE_PATH_KEYS = 128; // one byte per path node: first byte of its label
export const TABLE_CANDIDATES = 136; // u32 lists of routes
export const TABLE_CONDITIONS = 144;
export const TABLE_PATTERNS = 152;
export const TABLE_GROUPS = 160; // path patterns that one automaton answers together
export const TABLE_GROUP_ACCEPTS = 168; // i32 candidate list per state of a group's automaton, -1 none
export const TABLE_AUTOMATA = 176; // bytes: class maps and transitions of all DFAs

// Filter chain record: 0 u32 hostSlotsFirst, 4 u32 hostSlotsCount (0 or a power of two), 8 i32 hostRoot (host node of the
// suffix trie), 12 i32 anyHost (virtual host of the domain `*`).
export const FILTER_CHAIN_SIZE = 16;
export const FILTER_CHAIN_HOST_SLOTS_FIRST = 0;
export const FILTER_CHAIN_HOST_SLOTS_COUNT = 4;
export const FILTER_CHAIN_HOST_ROOT = 8;
export const FILTER_CHAIN_ANY_HOST = 12;

// Virtual host record. Exact paths stand in hash slots, prefixes (and patterns, under their literal prefix) in a trie;
// each once as written and once in lower case for ignoreUriCase.
//   0 u32 routesFirst  4 u32 routesCount  8 u32 slotsFirst  12 u32 slotsCount (0 or a power of two)
//  16 u32 foldedSlotsFirst  20 u32 foldedSlotsCount  24 i32 root (path node)  28 i32 foldedRoot
export const VIRTUAL_HOST_SIZE = 32;
export const VIRTUAL_HOST_ROUTES_FIRST = 0;
export const VIRTUAL_HOST_ROUTES_COUNT = 4;
export const VIRTUAL_HOST_SLOTS_FIRST = 8;
export const VIRTUAL_HOST_SLOTS_COUNT = 12;
export const VIRTUAL_HOST_FOLDED_SLOTS_FIRST = 16;
export const VIRTUAL_HOST_FOLDED_SLOTS_COUNT = 20;
export const VIRTUAL_HOST_ROOT = 24;
export const VIRTUAL_HOST_FOLDED_ROOT = 28;

// Hash slot, open addressing with linear probing from (hash & (slotsCount - 1)):
//   0 u32 hash (of the key's bytes, see hashKey)  4 u32 textOffset  8 u32 textLength
//  12 i32 value: virtual host or first candidate; -1 = empty slot
export const SLOT_SIZE = 16;
export const SLOT_HASH = 0;
export const SLOT_TEXT_OFFSET = 4;
export const SLOT_TEXT_LENGTH = 8;
export const SLOT_VALUE = 12;

// Trie node (compressed radix trie). Children are consecutive nodes, ascending by their first byte, and always behind their
// parent. The label is what the node adds to its parent, at least one byte except in a root.
//   0 u32 labelOffset  4 u32 labelLength  8 u32 childrenFirst  12 u32 childrenCount
//  16 i32 value: virtual host or first candidate, -1 none  20 u32 groupsFirst  24 u32 groupsCount (path nodes only)
export const NODE_SIZE = 32;
export const NODE_LABEL_OFFSET = 0;
export const NODE_LABEL_LENGTH = 4;
export const NODE_CHILDREN_FIRST = 8;
export const NODE_CHILDREN_COUNT = 12;
export const NODE_VALUE = 16;
export const NODE_GROUPS_FIRST = 20;
export const NODE_GROUPS_COUNT = 24;

// Candidate (u32): route index in the low 30 bits. A list is ascending and ends with the entry that carries
// CANDIDATE_LAST. CANDIDATE_TEST_PATH: being found here does not prove that the path matches.
export const CANDIDATE_TEST_PATH = 0x80000000;
export const CANDIDATE_LAST = 0x40000000;
export const CANDIDATE_ROUTE = 0x3fffffff;

// Second half of the route record: 72 u32 pathTest (PATH_*), 76 u32 text offset, or pattern for PATH_REGEX, 80 u32 text
// length, 84 u32 conditionsFirst, 88 u32 conditionsCount, 92..128 reserved.
export const ROUTE_PATH_TEST = 72;
export const ROUTE_PATH_VALUE = 76;
export const ROUTE_PATH_LENGTH = 80;
export const ROUTE_CONDITIONS_FIRST = 84;
export const ROUTE_CONDITIONS_COUNT = 88;
export const PATH_ANY = 0;
export const PATH_EXACT = 1;
export const PATH_EXACT_FOLDED = 2;
export const PATH_PREFIX = 3;
export const PATH_PREFIX_FOLDED = 4;
export const PATH_REGEX = 5;

// Condition: 0 u32 subject (SUBJECT_*), 4 u32 test (TEST_*), 8 u32 inverted (0/1; headers only), 12 u32 nameOffset,
// 16 u32 nameLength, 20 u32 nameHash (FNV-1a, headers only), 24 u32 text offset, or pattern for TEST_PATTERN,
// 28 u32 text length.
export const CONDITION_SIZE = 32;
export const CONDITION_SUBJECT = 0;
export const CONDITION_TEST = 4;
export const CONDITION_INVERTED = 8;
export const CONDITION_NAME_OFFSET = 12;
export const CONDITION_NAME_LENGTH = 16;
export const CONDITION_NAME_HASH = 20;
export const CONDITION_VALUE = 24;
export const CONDITION_LENGTH = 28;
export const SUBJECT_SCHEME = 0;
export const SUBJECT_METHOD = 1;
export const SUBJECT_AUTHORITY = 2;
export const SUBJECT_TARGET = 3; // path and query
export const SUBJECT_HEADER = 4;
export const SUBJECT_QUERY = 5;
export const TEST_EXACT = 0;
export const TEST_PREFIX = 1;
export const TEST_PATTERN = 2;
export const TEST_PRESENT = 3;

// Pattern: 0 u32 kind (PATTERN_*); for PATTERN_ASK 4 u32 index in the host's list of patterns; for PATTERN_DFA
// 8 u32 classMap (256 bytes: byte -> class), 12 u32 transitions, 16 u32 classCount, 20 u32 stateCount, 24 u32 start (row),
// 28 u32 acceptFrom (row). classMap and transitions count from the start of TABLE_AUTOMATA. A row is state * classCount; a
// transition is the next row (u32). State 0 is dead (every transition stays there); rows from acceptFrom on accept.
export const PATTERN_SIZE = 32;
export const PATTERN_KIND = 0;
export const PATTERN_ASK_INDEX = 4;
export const PATTERN_CLASS_MAP = 8;
export const PATTERN_TRANSITIONS = 12;
export const PATTERN_CLASS_COUNT = 16;
export const PATTERN_STATE_COUNT = 20;
export const PATTERN_START = 24;
export const PATTERN_ACCEPT_FROM = 28;
export const PATTERN_DFA = 0;
export const PATTERN_ASK = 1;

// Group: 0 u32 pattern (a DFA over the whole path), 4 u32 acceptsFirst (index into TABLE_GROUP_ACCEPTS of state 0).
export const GROUP_SIZE = 8;
export const GROUP_PATTERN = 0;
export const GROUP_ACCEPTS_FIRST = 4;

// Answers of the host (SLAB_MEMO): what routeRequest was about when it returned DECISION_ASK_HOST, and a ring of answers.
//   0 u32 owner: 0 none, else exchange + 1; bit 31 = testRoute   4 u32 answered (1 = answerPattern was called)
//   8 u32 route   12 u32 condition (0 = path)   16 u32 count of answers ever stored   20 reserved
//  The ring lies at MATCH_ANSWERS: 0 u32 pattern (host's index), 4 u32 subjectOffset, 8 u32 subjectLength, 12 u32 matched.
export const MEMO_OWNER = 0;
export const MEMO_ANSWERED = 4;
export const MEMO_ROUTE = 8;
export const MEMO_CONDITION = 12;
export const MEMO_COUNT = 16;
export const MEMO_OWNER_TEST = 0x80000000;
export const ANSWER_SIZE = 16;
export const ANSWER_PATTERN = 0;
export const ANSWER_SUBJECT_OFFSET = 4;
export const ANSWER_SUBJECT_LENGTH = 8;
export const ANSWER_MATCHED = 12;
/** A power of two above MAX_HEADERS: what one condition can ask at most, so that asking again always gets further. */
export const ANSWER_CAPACITY = 512;

// Match region (SLAB_MATCH): candidate streams (a heap of u64: route << 32 | absolute offset of the candidate), the
// answers, and path and query joined for `:path` conditions.
/** Lists that one request may merge; a virtual host that could need more is scanned in order instead. */
export const MAX_STREAMS = 1024;
export const MATCH_ANSWERS = 8192;
export const MATCH_TARGET = 16384;
export const MATCH_TARGET_SIZE = 65536;

/** testRoute below -1: the host answers a pattern first, as with DECISION_ASK_HOST; or there is no such route. */
export const TEST_ROUTE_MATCHES = -1;
export const TEST_ROUTE_ASK_HOST = -2;
export const TEST_ROUTE_UNKNOWN = -3;

// ---------------------------------------------------------------------------------------------------------------------
// HEADER NAMES: ids of the names that codecs and rewriting treat specially.
// ---------------------------------------------------------------------------------------------------------------------
// `tools/generate-tables.mjs` makes the name table from these lines: HEADER_ID_X_Y is the name `x-y`; ids count up from 1.
export const HEADER_ID_HOST = 1;
export const HEADER_ID_CONTENT_LENGTH = 2;
export const HEADER_ID_TRANSFER_ENCODING = 3;
export const HEADER_ID_CONNECTION = 4;
export const HEADER_ID_UPGRADE = 5;
export const HEADER_ID_EXPECT = 6;
export const HEADER_ID_TE = 7;
export const HEADER_ID_CONTENT_TYPE = 8;
export const HEADER_ID_KEEP_ALIVE = 9;
export const HEADER_ID_PROXY_CONNECTION = 10;
export const HEADER_ID_TRAILER = 11;
export const HEADER_ID_HTTP2_SETTINGS = 12;
export const HEADER_ID_DATE = 13;
export const HEADER_ID_SERVER = 14;
export const HEADER_ID_MAX_FORWARDS = 15;
export const HEADER_ID_X_FORWARDED_FOR = 16;
export const HEADER_ID_X_FORWARDED_PROTO = 17;
export const HEADER_ID_X_FORWARDED_CLIENT_CERT = 18;
export const HEADER_ID_X_REQUEST_ID = 19;
export const HEADER_ID_X_WEFT_REASON = 20;
export const HEADER_ID_X_ENVOY_ATTEMPT_COUNT = 21;
export const HEADER_ID_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS = 22;
export const HEADER_ID_X_ENVOY_ORIGINAL_PATH = 23;
export const HEADER_ID_X_ENVOY_ORIGINAL_HOST = 24;
export const HEADER_ID_X_ENVOY_EXTERNAL_ADDRESS = 25;
export const HEADER_ID_X_ENVOY_UPSTREAM_SERVICE_TIME = 26;
export const HEADER_ID_X_ENVOY_INTERNAL = 27;
export const HEADER_ID_X_ENVOY_RETRY_ON = 28;
export const HEADER_ID_X_ENVOY_RETRY_GRPC_ON = 29;
export const HEADER_ID_X_ENVOY_MAX_RETRIES = 30;
export const HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_MS = 31;
export const HEADER_ID_X_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS = 32;
export const HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE = 33;
export const HEADER_ID_X_ENVOY_RETRIABLE_STATUS_CODES = 34;
export const HEADER_ID_X_ENVOY_RETRIABLE_HEADER_NAMES = 35;
export const HEADER_ID_X_ENVOY_FORCE_TRACE = 36;
export const HEADER_ID_X_ENVOY_IP_TAGS = 37;
export const HEADER_ID_X_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT = 38;
export const HEADER_ID_X_ENVOY_DECORATOR_OPERATION = 39;
export const HEADER_ID_X_ENVOY_ORIGINAL_URL = 40;
export const HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_CLUSTER = 41;
export const HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_NODE = 42;
export const HEADER_ID_X_ENVOY_PEER_METADATA = 43;
export const HEADER_ID_X_ENVOY_PEER_METADATA_ID = 44;
export const HEADER_ID_X_ENVOY_IMMEDIATE_HEALTH_CHECK_FAIL = 45;

/** Header row: HEADER_FLAG_* bits. */
export const HEADER_FLAGS = 24;
/** A field that the message's own Connection field names: not forwarded (RFC 9110 7.6.1). */
export const HEADER_FLAG_HOP_BY_HOP = 1;

// Scratch, from SLAB_SCRATCH: 0 lower-cased host, SCRATCH_PATH normalised path (each up to a head), SCRATCH_NUMBER digits.
export const SCRATCH_HOST = 0;
export const SCRATCH_PATH = 61440;
export const SCRATCH_NUMBER = 122880;

/** writeRequestHead: forwarding fields as a sidecar's outbound listener, not as a gateway, writes them. */
export const HEAD_FLAG_SIDECAR = 1;
/** writeRequestHead: keep the client's WebSocket upgrade. */
export const HEAD_FLAG_UPGRADE = 2;
/** The request is a copy of one that was written before: its fields go on as they are. */
export const HEAD_FLAG_COPY = 4;

/** writeResponseHead: a whole HTTP/1.1 head; without it `200 OK` and fields only, as uWebSockets.js takes them. */
export const STYLE_COMPLETE = 1;
/** writeResponseHead: say `connection: close`; a body without length then ends with the connection. */
export const STYLE_CLOSE = 2;
/** writeResponseHead: write x-envoy-upstream-service-time from FACT_UPSTREAM_SERVICE_MS. */
export const STYLE_SERVICE_TIME = 4;
/**
 * writeResponseHead: the request record still holds this exchange's request, so %REQ()% may read it. Without it such parts
 * are empty, because the record may hold another client's request by then.
 */
export const STYLE_REQUEST_PRESENT = 8;
/**
 * writeResponseHead: the client speaks HTTP/1.0: so does the answer; no transfer-encoding, and `connection: keep-alive`
 * unless STYLE_CLOSE or a body without a length closes it.
 */
export const STYLE_HTTP_10 = 16;
