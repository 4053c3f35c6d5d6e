<?php

declare(strict_types=1);

use DingTalk\Api\ImApi;
use DingTalk\Api\Oauth2Api;
use DingTalk\ApiException;
use DingTalk\Configuration;
use DingTalk\Model\GetAccessTokenRequest;
use GuzzleHttp\Client;

/**
 * A client for DingTalk on the generated one: one token for all calls of an object, and repeats where the contract allows them.
 * Where each request of a site has a process of its own, keep the object's token in a cache that they share. The code of an
 * ApiException is the HTTP status, 0 without an answer; what DingTalk says is in its fields().
 */
final class DingTalkClient
{
    private const ATTEMPTS = 3;
    private const TIMEOUT = 10; // seconds
    private const MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
    private const RENEW = 600; // seconds before a token's end, or a fifth of its time
    private const PAUSE = 30; // seconds until a renewal that failed is tried again
    private const PRIVATE = '~^(https://|http://(localhost|127(\.\d+){3}|\[::1])(:\d+)?(/|$))~D'; // requests carry secrets

    private readonly Client $http;
    private readonly GetAccessTokenRequest $credentials;
    private array $codes = [];
    private string $token = '';
    private float $renewAt = 0;
    private float $expires = 0;

    /** $codes are the rows of codes.json; $ca is a file of certificates to trust, true for the machine's. */
    public function __construct(private readonly string $url, string $appKey, string $appSecret, array $codes, string|bool $ca = true)
    {
        preg_match(self::PRIVATE, $url) || throw new InvalidArgumentException("$url is not https");
        $this->credentials = new GetAccessTokenRequest(['app_key' => $appKey, 'app_secret' => $appSecret]);
        // The token would go along with a redirect.
        $this->http = new Client(['verify' => $ca, 'timeout' => self::TIMEOUT, 'allow_redirects' => false]);
        foreach ($codes as $row) {
            foreach ($row['operations'] ?? [''] as $operation) {
                foreach ([$row['code'], ...$row['aliases'] ?? []] as $name) {
                    $this->codes[$operation][strtolower($name)] = $row;
                }
            }
        }
    }

    public function openConversationId(string $chatId): string
    {
        in_array($chatId, ['', '.', '..'], true) && throw new InvalidArgumentException('not a chat id');
        return $this->call('chatIdToOpenConversationId', true, fn (Client $http, Configuration $settings) =>
            (new ImApi($http, $settings))->chatIdToOpenConversationId($chatId)->getOpenConversationId());
    }

    /**
     * Returns what $send does. $safe says that a repeat does no harm although the service may have processed the request:
     * x-repeat in the contract.
     */
    public function call(string $operation, bool $safe, callable $send): string
    {
        $rejected = null;
        for ($attempt = 1; ; $attempt++) {
            $sent = null;
            try {
                $sent = $this->currentToken();
                $sent !== $rejected || throw $error;
                return $send($this->http, $this->settings($sent)) ?: throw new ApiException('an answer without a result', 200);
            } catch (ApiException $error) {
            } catch (Error $e) { // an answer of another type than a success has
                $error = new ApiException($e->getMessage(), 200);
            }
            $row = $this->row($sent === null ? 'getAccessToken' : $operation, $error);
            if ($sent !== null && $rejected === null && in_array($row['token'], ['drop', 'fetch'], true)) {
                $rejected = $sent;
                $this->renewAt = $this->expires = 0;
                $attempt--;
                continue;
            }
            $processed = $sent !== null && $row['kind'] !== 'throttled';
            $wait = max($row['waitSeconds'], self::retryAfter($error));
            if (!$row['retry'] || $processed && !$safe || $wait > self::MAX_WAIT || $attempt === self::ATTEMPTS) {
                throw $error;
            }
            usleep((int) (1e6 * ($wait + 0.3 * 2 ** ($attempt - 1) * mt_rand() / mt_getrandmax())));
        }
    }

    /** The fields of an error's body, in lower case, since some answers spell Code, Message. It has none if it is HTML. */
    public static function fields(ApiException $error): array
    {
        $fields = json_decode($error->getResponseBody() ?? '', true);
        return is_array($fields) ? array_change_key_case($fields) : [];
    }

    private static function retryAfter(ApiException $error): int
    {
        $value = array_change_key_case($error->getResponseHeaders() ?? [])['retry-after'][0] ?? '';
        $date = DateTimeImmutable::createFromFormat(DATE_RFC1123, $value);
        return $date ? $date->getTimestamp() - time() : (int) $value;
    }

    /** What to do by the code: the operation's own row, the common one, or one that the status makes. */
    private function row(string $operation, ApiException $error): array
    {
        $status = $error->getCode();
        $code = self::fields($error)['code'] ?? '';
        $code = is_scalar($code) ? strtolower((string) $code) : '';
        return $this->codes[$operation][$code] ?? $this->codes[''][$code] ?? [
            'kind' => $status === 429 ? 'throttled' : '',
            'retry' => $status === 0 || $status === 429 || $status >= 500,
            'waitSeconds' => 0,
            'token' => $status === 401 ? 'drop' : 'keep',
        ];
    }

    private function settings(string $token): Configuration
    {
        // By the header's name, not the scheme's.
        return (new Configuration())->setHost($this->url)->setApiKey('x-acs-dingtalk-access-token', $token);
    }

    private function currentToken(): string
    {
        if (microtime(true) < $this->renewAt) {
            return $this->token;
        }
        try {
            $answer = (new Oauth2Api($this->http, $this->settings('')))->getAccessToken($this->credentials);
            $this->token = $answer->getAccessToken();
            $this->expires = microtime(true) + $answer->getExpireIn();
            $this->renewAt = $this->expires - min(self::RENEW, $answer->getExpireIn() / 5);
        } catch (ApiException | Error $e) { // the old token serves until its end
            microtime(true) < $this->expires || throw $e;
            $this->renewAt = min(microtime(true) + self::PAUSE, $this->expires);
        }
        return $this->token;
    }
}
