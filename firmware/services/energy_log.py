async def put(gateway, request, response):
    pass
