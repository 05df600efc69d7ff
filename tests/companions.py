"""Libraries that warn about SQLAlchemy 2.1 while they are imported; here, and only here, that is no error."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from advanced_alchemy.base import UUIDAuditBase
    from advanced_alchemy.config import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
    from advanced_alchemy.exceptions import AdvancedAlchemyError
    from advanced_alchemy.extensions.flask import AdvancedAlchemy
    from advanced_alchemy.extensions.flask import SQLAlchemySyncConfig as FlaskConfig
    from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig as LitestarAsyncConfig
    from advanced_alchemy.extensions.litestar import SQLAlchemyDTO, SQLAlchemyDTOConfig, SQLAlchemyPlugin
    from advanced_alchemy.extensions.litestar import SQLAlchemySyncConfig as LitestarSyncConfig
    from advanced_alchemy.repository import SQLAlchemyAsyncRepository, SQLAlchemySyncRepository
    from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService, SQLAlchemySyncRepositoryService
    from advanced_alchemy.types import FileObject as AlchemyFile
    from advanced_alchemy.types import StoredObject as AlchemyColumn
    from advanced_alchemy.types.file_object import storages as alchemy_storages
    from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend as AlchemyBackend
    from litestar import Litestar
    from litestar.datastructures import UploadFile as LitestarUpload

__all__ = [
    "AdvancedAlchemy",
    "AdvancedAlchemyError",
    "AlchemyBackend",
    "AlchemyColumn",
    "AlchemyFile",
    "FlaskConfig",
    "Litestar",
    "LitestarAsyncConfig",
    "LitestarSyncConfig",
    "LitestarUpload",
    "SQLAlchemyAsyncConfig",
    "SQLAlchemyAsyncRepository",
    "SQLAlchemyAsyncRepositoryService",
    "SQLAlchemyDTO",
    "SQLAlchemyDTOConfig",
    "SQLAlchemyPlugin",
    "SQLAlchemySyncConfig",
    "SQLAlchemySyncRepository",
    "SQLAlchemySyncRepositoryService",
    "UUIDAuditBase",
    "alchemy_storages",
]
