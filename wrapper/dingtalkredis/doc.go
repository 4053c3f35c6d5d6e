// Package dingtalkredis shares an app's access token, rate limit, monthly quota and conversions between its processes, through Redis.
//
//	fleet, err := dingtalkredis.New(redisClient, creds, dingtalkredis.WithPods(20))
//	client, err := dingtalk.NewClient(creds,
//		dingtalk.WithTokenStore(fleet.TokenStore()),
//		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)),
//		dingtalk.WithBudget(fleet.Budget(5000)),
//		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
//
// Each option works alone. [Open] makes the Redis client from a URL. [Fleet.Ping] checks the setup when the app starts.
//
// # Without Redis
//
// If Redis is down, slow, full, empty or holds foreign values, a call waits for it at most as long as [WithTimeout] says. The
// fleet logs one warning, and looks for Redis twice a second. Meanwhile each process falls back to a token of its own, no shared
// conversions, and its turns of the rate: see [Fleet.Limiter]. A failover is an outage. A [Budget] is the exception: it is
// strict, so calls wait and then fail, unless it is [Available].
//
// # What Redis holds
//
// Keys begin with "openconversation:2:"; 2 is the schema. They hold app keys, hosts and organisations as digests, and the
// chat ids of conversions in plain text. Access tokens are sealed by AES-GCM with a key derived from the app secret, so a
// dump of Redis holds no usable token. Keys of one organisation are in one slot of a cluster, and every script names its
// keys. Months and expiries are those of Redis's clock. Protect Redis by a password: whoever can write to it can slow the
// fleet down, use up its budget and store wrong conversions. Set maxmemory-policy noeviction, and leave it memory: about
// 200 bytes a conversion.
//
// The minimal rights of a user, here named app, for a single server or Sentinels:
//
//	ACL SETUSER app on >PASSWORD resetchannels ~openconversation:* -@all +get +set +pttl +eval +evalsha +del +hgetall +hmget +hset +hdel +pexpire +time +info
//
// A cluster needs +command and +cluster|slots in addition; a database other than 0 needs +select. Without +info, a
// budget does not notice a failover to another server, and may then be exceeded.
package dingtalkredis
