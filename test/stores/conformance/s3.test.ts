import { radosgw } from '../backends/radosgw.ts'
import { s3StandIn } from '../backends/s3.ts'
import { runConformance } from '../run-conformance.ts'

/** Ceph's gateway takes a minute to install and start, so it joins when it is asked for. */
const witness = process.env['WARMTOKEN_RADOSGW'] === undefined ? [] : [radosgw]
const local = [s3StandIn, ...witness]

runConformance({ direct: local, proxied: local })
