// Package dingtalkredis lets the processes of one app share what the service gives the app once: an access token, a
// limit per second, a quota per month, and the conversions that have been made. They share it through Redis.
//
//	fleet, err := dingtalkredis.New(redisClient, creds, dingtalkredis.WithPods(20))
//	client, err := dingtalk.NewClient(creds,
//		dingtalk.WithTokenStore(fleet.TokenStore()),
//		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)),
//		dingtalk.WithBudget(fleet.Budget(5000)),
//		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
//
// Each of the four is an option of its own.
//
// [Open] makes the Redis client from a URL, and [Fleet.Ping] finds at the start what no waiting cures.
//
// # Without Redis
//
// Redis is an aid. Where it is down, slow, full, empty or holds something else, a call waits for it at most as long as
// [WithTimeout] says; at the beginning of an outage, up to half a second for a token and up to two to be counted. One
// warning is logged, and for a second nothing more is asked of it. Meanwhile each process goes on by itself: with a
// token of its own, without shared conversions, and with the limit that [Fleet.Limiter] describes. What Redis answers
// again is used again.
//
// A [Budget] is the exception. It is strict, so that calls wait and then fail, unless it is [Available].
//
// # What Redis holds
//
// Keys begin with "openconversation:1:", for this schema. App keys and hosts are only in them as digests; chat ids of
// conversions are as they are. Access tokens are sealed by AES-GCM with a key derived from the app secret, so a dump
// of Redis holds none that could be used. Every script uses one key, or two of one slot, so it runs in a cluster. Whoever
// can write to Redis can slow the fleet down, use its budget up and put wrong conversions into the cache: give it a
// password.
//
// The least rights of a user, here called app, for a single server and behind Sentinels:
//
//	ACL SETUSER app on >PASSWORD resetchannels ~openconversation:* -@all +get +set +pttl +eval +evalsha +del +type +hmget +hset +pexpire +pexpireat +time +info
//
// In a cluster, +command and +cluster|slots in addition; for a database other than 0, +select. Without +info, a budget does not notice
// that another server has taken over, and may then be passed.
package dingtalkredis
