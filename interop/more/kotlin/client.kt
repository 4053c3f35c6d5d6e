// The program for openapi-generator's kotlin: one conversion, and what came of it.
import com.example.dingtalk.apis.ImApi
import com.example.dingtalk.infrastructure.ApiClient
import com.example.dingtalk.infrastructure.ClientError
import com.example.dingtalk.infrastructure.ClientException
import com.example.dingtalk.infrastructure.Serializer
import com.example.dingtalk.infrastructure.ServerError
import com.example.dingtalk.infrastructure.ServerException
import com.example.dingtalk.models.ApiError

fun main(args: Array<String>) {
    val (scheme, host, token, chatId) = args
    ApiClient.apiKey["x-acs-dingtalk-access-token"] = token
    val outcome = try {
        mapOf("id" to ImApi("$scheme://$host").chatIdToOpenConversationId(chatId).openConversationId)
    } catch (e: ClientException) {
        failure(e.statusCode, (e.response as ClientError<*>).body)
    } catch (e: ServerException) {
        failure(e.statusCode, (e.response as ServerError<*>).body)
    }
    println(Serializer.moshi.adapter(Map::class.java).toJson(outcome))
}

// The body of an error is its text: what the contract says of it is for the caller to read.
private fun failure(status: Int, body: Any?): Map<String, Any?> {
    val error = runCatching { Serializer.moshi.adapter(ApiError::class.java).fromJson(body as String) }.getOrNull()
    return mapOf("status" to status, "code" to error?.code, "message" to error?.message)
}
